package server_test

import (
	"testing"

	"github.com/sepal-ml/sepal/services/server"
)

// TestSizeHeaders looks for lengths in requests that come in one piece, and in two, cut anywhere.
func TestSizeHeaders(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"":                                       0,
		"POST / HTTP/1.1\r\nHost: sepal\r\n\r\n": 0,
		"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello":                                 1,
		"POST / HTTP/1.1\ncOnTeNt-LENGTH:5\n\nhello":                                        1,
		"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello":            2,
		"POST / HTTP/1.1\r\nX-Content-Length: 5\r\nContent-Length-X: 5\r\n\r\n":             0,
		"POST / HTTP/1.1\r\nX: Content-Length: 5\r\n Content-Length: 5\r\n\r\n":             0,
		"POST / HTTP/1.1\r\nCont\nContent-Length: 5\r\n\r\n":                                1,
		"GET /a HTTP/1.1\r\nContent-Length: 0\r\n\r\nGET /b\r\ncontent-length: 0\r\n\r\n\n": 2,
		"\n\n\ncontent-length:\n\n":                                                         1,
	} {
		if got := server.SizeHeaders([]byte(text)); got != want {
			t.Errorf("%q: got %d, expected %d", text, got, want)
		}
		for i := range len(text) {
			if got := server.SizeHeaders([]byte(text[:i]), []byte(text[i:])); got != want {
				t.Errorf("%q, then %q: got %d, expected %d", text[:i], text[i:], got, want)
			}
		}
	}
}
