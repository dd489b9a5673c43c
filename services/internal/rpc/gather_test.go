package rpc

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/rs/zerolog"
)

// flushedAt is a response that takes down after which bytes it was flushed.
type flushedAt struct {
	*httptest.ResponseRecorder
	at []int
}

func (f *flushedAt) Flush() { f.at = append(f.at, f.Body.Len()) }

// TestGather lets a handler answer byte by byte, and flush each.
func TestGather(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		path  string
		major int
		body  io.Reader
		want  []int
	}{
		"all at once":      {"/stream", 2, strings.NewReader("abc"), []int{3}},
		"one after other":  {"/stream", 2, iotest.OneByteReader(strings.NewReader("abc")), []int{1, 2, 3}},
		"two, then one":    {"/stream", 2, io.MultiReader(strings.NewReader("ab"), strings.NewReader("c")), []int{2, 3}},
		"another call":     {"/other", 2, strings.NewReader("abc"), []int{1, 2, 3}},
		"HTTP/1.1":         {"/stream", 1, strings.NewReader("abc"), []int{1, 2, 3}},
		"nothing was sent": {"/stream", 2, strings.NewReader(""), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := Unheard(zerolog.Nop(), nil, Gather("/stream", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var message [1]byte
				for {
					if _, err := io.ReadFull(r.Body, message[:]); err != nil {
						return
					}
					if _, err := w.Write(message[:]); err != nil {
						t.Error(err)
					}
					if err := http.NewResponseController(w).Flush(); err != nil {
						t.Error(err)
					}
				}
			})))
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, test.path, test.body)
			request.ProtoMajor = test.major
			response := &flushedAt{ResponseRecorder: httptest.NewRecorder()}
			h.ServeHTTP(response, request)
			if want := len(test.want); len(response.at) != want {
				t.Fatalf("flushed after %v bytes, expected %v", response.at, test.want)
			}
			for i, at := range response.at {
				if at != test.want[i] {
					t.Errorf("flushed after %v bytes, expected %v", response.at, test.want)
				}
			}
		})
	}
}
