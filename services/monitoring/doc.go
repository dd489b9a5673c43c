// Package monitoring holds what Prometheus and Grafana need to watch a server, and the tests that
// show that it works: README.md says more. It has no code of its own.
package monitoring
