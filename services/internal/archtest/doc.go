// Package archtest keeps the house in order by its tests: which package may import which, where
// generated code stands, how long a file may grow, and that what the public packages export is
// documented. Its checks are shown to fail, too, on made-up packages. It has no code of its own
// for other packages.
package archtest
