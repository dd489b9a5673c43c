package rpc

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/rs/zerolog"
)

// fullRecorder takes no answer.
type fullRecorder struct {
	*httptest.ResponseRecorder
	err error
}

func (r fullRecorder) Write([]byte) (int, error) { return 0, r.err }

// TestAnswersThatAreNotSentAreLogged has an RPC end well whose answer nobody takes. Connect's own
// protocol has no place to say so but the log.
func TestAnswersThatAreNotSentAreLogged(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		code string
	}{
		{fmt.Errorf("write: %w", os.ErrDeadlineExceeded), "deadline_exceeded"},
		{fmt.Errorf("write: %w", syscall.EPIPE), "canceled"},
	} {
		log := new(journal)
		h := endpoints(log, zerolog.InfoLevel, 0, func(context.Context) error { return nil })["unary"]
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, procedure, strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		h.ServeHTTP(fullRecorder{httptest.NewRecorder(), test.err}, r)
		lines := log.lines(t)
		if len(lines) != 1 || lines[0]["message"] != "answer not sent" || lines[0]["code"] != test.code {
			t.Errorf("%v: the log has %v, expected that the answer was not sent, and %s", test.err, lines, test.code)
		}
	}
}
