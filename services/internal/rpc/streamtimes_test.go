package rpc

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
)

// slowConn is a server's end of a stream that takes its time to send.
type slowConn struct {
	connect.StreamingHandlerConn
	kind     connect.StreamType
	receives []error // what Receive returns, one after the other
	sending  func() error
}

func (c *slowConn) Spec() connect.Spec { return connect.Spec{StreamType: c.kind} }
func (c *slowConn) Send(any) error     { return c.sending() }

func (c *slowConn) Receive(any) error {
	err := c.receives[0]
	c.receives = c.receives[1:]
	return err
}

// TestTimesOfAnswers follows the deadlines of a connection through a stream of answers, of clients
// with a deadline and without.
func TestTimesOfAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name                       string
		client                     time.Duration // 0: none
		begun, waiting, sent, ends string
	}{
		{"no deadline", 0, "21s", "none", "10s", "10s"},
		{"a late one", time.Minute, "21s 1m1s", "1m1s", "10s", "10s"},
		{"an early one", 5 * time.Second, "21s 6s", "6s", "6s", "6s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // Time stands still.
				ctx := t.Context()
				if test.client > 0 {
					bounded, cancel := context.WithTimeout(ctx, test.client)
					defer cancel()
					ctx = bounded
				}
				w := new(deadlines)
				conn := &slowConn{kind: connect.StreamTypeServer, receives: []error{nil, io.EOF}, sending: func() error {
					requireDeadlines(t, "sending", w, "", test.sent)
					return nil
				}}
				handler := streamTimes{stopping: context.Background()}.WrapStreamingHandler(func(_ context.Context, conn connect.StreamingHandlerConn) error {
					requireDeadlines(t, "begun", w, "10s", test.begun)
					if err := conn.Receive(nil); err != nil {
						t.Error(err)
					}
					requireDeadlines(t, "while there may be more of the request", w, "", "")
					if err := conn.Receive(nil); !errors.Is(err, io.EOF) {
						t.Error(err)
					}
					requireDeadlines(t, "received", w, "none", "none "+test.waiting)
					for range 2 {
						if err := conn.Send(nil); err != nil {
							t.Error(err)
						}
						requireDeadlines(t, "between messages", w, "", test.waiting)
					}
					return nil
				})
				r := httptest.NewRequestWithContext(ctx, http.MethodPost, procedure, nil)
				Timely(10*time.Second, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					c, r := callOf(r)
					c.answer.ResponseWriter = w
					if err := handler(r.Context(), conn); err != nil {
						t.Error(err)
					}
				})).ServeHTTP(w, r)
				requireDeadlines(t, "ended", w, "", test.ends+" "+answerTail.String())
			})
		})
	}
}

// TestAnswersNotTaken says of a message that could not be sent in time that it was the time.
func TestAnswersNotTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		conn := &answersConn{
			StreamingHandlerConn: &slowConn{sending: func() error { return broken }},
			call:                 &call{answer: answer{ResponseWriter: new(deadlines)}},
			timeout:              time.Second,
		}
		if err := conn.Send(nil); !errors.Is(err, broken) {
			t.Errorf("got %v, expected what went wrong", err)
		}
		conn.StreamingHandlerConn = &slowConn{sending: func() error {
			time.Sleep(time.Second)
			return broken
		}}
		if err := conn.Send(nil); connect.CodeOf(err) != connect.CodeDeadlineExceeded {
			t.Errorf("got %v, expected that the time has passed", err)
		}
	})
}
