package rpc

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// serve passes a POST with the headers to the handler and returns what comes back.
func serve(t *testing.T, h http.Handler, header http.Header, body string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, procedure, strings.NewReader(body))
	for name, values := range header {
		request.Header[name] = values
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	return recorder
}

// requestID returns the id that a handler sees, and the one in its answer of that status; empty
// for none.
func requestID(t *testing.T, header http.Header, status int) (seen, sent string) {
	t.Helper()
	h := RequestID(Unheard(zerolog.Nop(), nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = RequestIDFrom(r.Context())
		w.WriteHeader(status)
	})))
	response := serve(t, h, header, "").Result()
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	ids := response.Header.Values(RequestIDHeader)
	if len(ids) > 1 {
		t.Fatalf("the response has the ids %q, expected one at most", ids)
	}
	return seen, response.Header.Get(RequestIDHeader)
}

func TestSensibleRequestIDsAreKept(t *testing.T) {
	t.Parallel()
	for _, id := range []string{
		"1", "a.b_c-D9", "0af7651916cd43dd8448eb211c80319c", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", strings.Repeat("x", 64),
	} {
		for _, status := range []int{http.StatusOK, http.StatusInternalServerError} {
			seen, sent := requestID(t, http.Header{RequestIDHeader: {id}}, status)
			if seen != id || sent != id {
				t.Errorf("%q, %d: the handler sees %q, the client gets %q", id, status, seen, sent)
			}
		}
	}
	if seen, _ := requestID(t, http.Header{RequestIDHeader: {"first", "second"}}, http.StatusOK); seen != "first" {
		t.Errorf("of two ids the handler sees %q, expected the first", seen)
	}
}

func TestOtherRequestIDsAreReplaced(t *testing.T) {
	t.Parallel()
	given := map[string]bool{}
	for _, id := range []string{
		"", strings.Repeat("x", 65), "a b", "a\nb", "a\r\nSet-Cookie: x=1", `"}{"level":"error"`, "\x1b[31m", "ünï", "a/b", "a%20b", "\x00", "<script>",
	} {
		if _, sent := requestID(t, http.Header{RequestIDHeader: {id}}, http.StatusOK); sent != "" {
			t.Errorf("%q: an answer without error has the id %q, expected none", id, sent)
		}
		seen, sent := requestID(t, http.Header{RequestIDHeader: {id}}, http.StatusNotFound)
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
