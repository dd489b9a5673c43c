// Package interop has no code: its tests have programs of others call the binary, over HTTP/1.1 and
// HTTP/2, in clear text, over TLS, and through proxies.
package interop
