package rpc

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// serve passes a request with the headers to the handler and returns what comes back.
func serve(t *testing.T, h http.Handler, method string, header http.Header, body string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, procedure, strings.NewReader(body))
	for name, values := range header {
		request.Header[name] = values
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	return recorder
}

// requestID returns the id that a handler sees, and the one in the response.
func requestID(t *testing.T, header http.Header) (seen, sent string) {
	t.Helper()
	h := RequestID(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = RequestIDFrom(r.Context()) }))
	response := serve(t, h, http.MethodGet, header, "").Result()
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	ids := response.Header.Values(RequestIDHeader)
	if len(ids) != 1 {
		t.Fatalf("the response has the ids %q, expected one", ids)
	}
	return seen, ids[0]
}

func TestSensibleRequestIDsAreKept(t *testing.T) {
	t.Parallel()
	for _, id := range []string{
		"1", "a.b_c-D9", "0af7651916cd43dd8448eb211c80319c", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", strings.Repeat("x", 64),
	} {
		seen, sent := requestID(t, http.Header{RequestIDHeader: {id}})
		if seen != id || sent != id {
			t.Errorf("%q: the handler sees %q, the client gets %q", id, seen, sent)
		}
	}
	if seen, _ := requestID(t, http.Header{RequestIDHeader: {"first", "second"}}); seen != "first" {
		t.Errorf("of two ids the handler sees %q, expected the first", seen)
	}
}

func TestOtherRequestIDsAreReplaced(t *testing.T) {
	t.Parallel()
	given := map[string]bool{}
	for _, id := range []string{
		"", strings.Repeat("x", 65), "a b", "a\nb", "a\r\nSet-Cookie: x=1", `"}{"level":"error"`, "\x1b[31m", "ünï", "a/b", "a%20b", "\x00", "<script>",
	} {
		seen, sent := requestID(t, http.Header{RequestIDHeader: {id}})
		if seen == id || !sensibleID(seen) || len(seen) < 20 || sent != seen {
			t.Errorf("%q: the handler sees %q, the client gets %q", id, seen, sent)
		}
		if given[seen] {
			t.Errorf("the id %q is given twice", seen)
		}
		given[seen] = true
	}
}

func TestContextWithoutRequestID(t *testing.T) {
	t.Parallel()
	if id := RequestIDFrom(t.Context()); id != "" {
		t.Errorf("got the id %q, expected none", id)
	}
}
