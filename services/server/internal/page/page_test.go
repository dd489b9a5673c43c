package page_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sepal-ml/sepal/clients/console"
	"github.com/sepal-ml/sepal/services/server/internal/page"
)

const (
	index  = "<!doctype html><title>Sepal</title>"
	script = "console.log(1)"
)

func files() fstest.MapFS {
	return fstest.MapFS{
		"index.html":              {Data: []byte(index)},
		"favicon.svg":             {Data: []byte("<svg xmlns='http://www.w3.org/2000/svg'/>")},
		"assets/index-B1c2D3.js":  {Data: []byte(script)},
		"assets/index-B1c2D3.css": {Data: []byte("body{}")},
		"docs/index.html":         {Data: []byte("docs")},
	}
}

func get(t *testing.T, h http.Handler, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, "/", nil)
	request.URL.Path = path
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	return recorder
}

// requireSafe checks the headers that every answer has.
func requireSafe(t *testing.T, path string, header http.Header) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
			"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
			"require-trusted-types-for 'script'; trusted-types 'none'",
		"Permissions-Policy": "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), " +
			"magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()",
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %s is %q, expected %q once", path, name, got, want)
		}
	}
}

func requireHeader(t *testing.T, path string, header http.Header, name, want string) {
	t.Helper()
	if got := header.Get(name); got != want {
		t.Errorf("%s: %s is %q, expected %q", path, name, got, want)
	}
}

func TestFilesAreServed(t *testing.T) {
	t.Parallel()
	const (
		fresh   = "no-cache"
		forEver = "public, max-age=31536000, immutable"
	)
	for path, want := range map[string]struct{ contentType, cache string }{
		"/":                        {"text/html; charset=utf-8", fresh},
		"/favicon.svg":             {"image/svg+xml", fresh},
		"/assets/index-B1c2D3.js":  {"text/javascript; charset=utf-8", forEver},
		"/assets/index-B1c2D3.css": {"text/css; charset=utf-8", forEver},
	} {
		name := strings.TrimPrefix(path, "/")
		if name == "" {
			name = "index.html"
		}
		content := string(files()[name].Data)
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			response := get(t, page.Handler(files()), method, path)
			body := response.Body.String()
			if method == http.MethodHead && body != "" || method == http.MethodGet && body != content {
				t.Errorf("%s %s: the body is %q", method, path, body)
			}
			if response.Code != http.StatusOK {
				t.Errorf("%s %s: status %d", method, path, response.Code)
			}
			requireHeader(t, path, response.Header(), "Content-Length", strconv.Itoa(len(content)))
			requireSafe(t, path, response.Header())
			requireHeader(t, path, response.Header(), "Content-Type", want.contentType)
			requireHeader(t, path, response.Header(), "Cache-Control", want.cache)
		}
	}
}

func TestIndexIsServedAtTheTopOnly(t *testing.T) {
	t.Parallel()
	response := get(t, page.Handler(files()), http.MethodGet, "/index.html")
	if response.Code != http.StatusMovedPermanently || response.Header().Get("Location") != "./" {
		t.Errorf("status %d to %q, expected 301 to ./", response.Code, response.Header().Get("Location"))
	}
	requireHeader(t, "/index.html", response.Header(), "Cache-Control", "no-cache")
	requireSafe(t, "/index.html", response.Header())
}

func TestOtherPathsAreNotFound(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"/assets", "/assets/", "/docs", "/docs/", // Folders are not listed, nor searched for an index.
		"/missing", "/assets/missing.js", "/assets/index-B1c2D3.js/", "/INDEX.HTML", "/index",
		"//", "//index.html", "/./index.html", "/assets/../index.html", "/../page.go", "/..", "/\x00", `/assets\index-B1c2D3.js`, "*",
		"/sepal.prediction.v1.PredictionService/Predict",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			response := get(t, page.Handler(files()), method, path)
			body := response.Body.String()
			if response.Code != http.StatusNotFound || !strings.HasPrefix(body, "404: no such page; the page is at /\n") && method == http.MethodGet {
				t.Errorf("%s %q: status %d, body %q", method, path, response.Code, body)
			}
			requireSafe(t, path, response.Header())
			requireHeader(t, path, response.Header(), "Content-Type", "text/plain; charset=utf-8")
			// What is missing now may be there after an upgrade.
			requireHeader(t, path, response.Header(), "Cache-Control", "no-cache")
		}
	}
}

// Without the page, the top is not a list of files.
func TestMissingIndexIsNotFound(t *testing.T) {
	t.Parallel()
	without := files()
	delete(without, "index.html")
	response := get(t, page.Handler(without), http.MethodGet, "/")
	if body := response.Body.String(); response.Code != http.StatusNotFound || strings.Contains(body, "assets") {
		t.Errorf("status %d, body %q", response.Code, body)
	}
}

func TestConsoleIsServed(t *testing.T) {
	t.Parallel()
	response := get(t, page.Handler(console.FS()), http.MethodGet, "/")
	if response.Code != http.StatusOK || response.Body.Len() == 0 {
		t.Errorf("status %d with %d bytes, expected the page", response.Code, response.Body.Len())
	}
}

// TestTransportSecurity shows whom browsers are told to ask over TLS only.
func TestTransportSecurity(t *testing.T) {
	t.Parallel()
	const year = "max-age=31536000"
	for _, test := range []struct {
		host   string
		secure bool
		want   string
	}{
		{"sepal.example.com", true, year},
		{"sepal.example.com:50051", true, year},
		{"localhost.example.com", true, year},
		{"sepal.example.com", false, ""},
		{"localhost:50051", true, ""},
		{"LOCALHOST.", true, ""},
		{"sepal.localhost", true, ""},
	} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		request.Host = test.host
		if request.TLS = nil; test.secure {
			request.TLS = new(tls.ConnectionState)
		}
		recorder := httptest.NewRecorder()
		page.Handler(files()).ServeHTTP(recorder, request)
		if got := recorder.Header().Get("Strict-Transport-Security"); got != test.want {
			t.Errorf("%s, secure %t: got %q, expected %q", test.host, test.secure, got, test.want)
		}
	}
}
