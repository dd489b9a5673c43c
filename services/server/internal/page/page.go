// Package page serves the files of the web page.
package page

import (
	"io/fs"
	"net"
	"net/http"
	"strings"
)

const index = "index.html"

// policy lets the page load its own files and call its own server, and nothing else. No text ever
// becomes a script or markup in it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// permissions are what the page does without: all that a browser might ask its user for.
const permissions = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), " +
	"magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()"

// secureFor is how long a browser that has seen the page over TLS asks for it in no other way: a year.
const secureFor = "max-age=31536000"

// Handler serves the files, with index.html at "/". What is in assets/ has the digest of its
// content in its name and may be cached for ever; the rest is asked for anew each time.
func Handler(files fs.FS) http.Handler {
	server := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		if name == "" {
			name = index
		}
		protect(w.Header(), r)
		if !isFile(files, name) {
			http.Error(w, "404: no such page; the page is at /", http.StatusNotFound)
			return
		}
		if strings.HasPrefix(name, "assets/") {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		server.ServeHTTP(w, r)
	})
}

// protect sets the headers that every answer has.
func protect(h http.Header, r *http.Request) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Permissions-Policy", permissions)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	if r.TLS != nil && !ownMachine(r.Host) {
		h.Set("Strict-Transport-Security", secureFor)
	}
}

// ownMachine reports whether a browser calls its own machine so. What it learns of such a name holds
// for all that is served there, on whatever port.
func ownMachine(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func isFile(files fs.FS, name string) bool {
	info, err := fs.Stat(files, name)
	return err == nil && info.Mode().IsRegular()
}
