package rpc

import (
	"net/http"
	"sync"
	"time"
)

// BodyDeadline bounds the time that a client may take to send a request, as the deadline of the
// call bounds the time to answer it: a deadline of a call begins when its message is there. 0
// is no bound. Streams of messages take as long as they like; see [streamTimes].
func BodyDeadline(timeout time.Duration, next http.Handler) http.Handler {
	if timeout <= 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		c, r := callOf(r)
		c.body = beginBody(w, r, timeout)
		defer c.body.end()
		next.ServeHTTP(w, r)
	})
}

// bodyDeadline is the deadline for the body of a request. Its zero value is none.
type bodyDeadline struct {
	connection http.ResponseWriter // over HTTP/1.1
	stream     *streamTimer        // over HTTP/2
}

// beginBody starts the deadline. A connection of HTTP/1.1 has one of its own, which costs nothing
// to set. That of a stream of HTTP/2 is set by a message to the goroutine that serves all streams
// of a connection; only one that has passed takes effect at once, so it is set when it has.
func beginBody(w http.ResponseWriter, r *http.Request, timeout time.Duration) bodyDeadline {
	if r.ProtoMajor < 2 {
		setReadDeadline(w, time.Now().Add(timeout))
		return bodyDeadline{connection: w}
	}
	return bodyDeadline{stream: beginStream(w, timeout)}
}

// lift takes the deadline back.
func (b *bodyDeadline) lift() {
	if b.connection != nil {
		setReadDeadline(b.connection, time.Time{})
	}
	b.end()
}

// end takes the deadline back where it would outlive the request, whose response must not be
// touched any more. net/http takes back that of a connection.
func (b *bodyDeadline) end() {
	if b.stream != nil {
		b.stream.end()
	}
	*b = bodyDeadline{}
}

// streamTimer sets a deadline that has passed, when it has.
type streamTimer struct {
	mu    sync.Mutex
	w     http.ResponseWriter // nil: the deadline is over
	timer *time.Timer
}

//nolint:gochecknoglobals // a pool is of use only if all share it
var streamTimers = sync.Pool{New: func() any {
	t := new(streamTimer)
	t.timer = time.AfterFunc(time.Hour, t.pass)
	t.timer.Stop()
	return t
}}

func beginStream(w http.ResponseWriter, timeout time.Duration) *streamTimer {
	t, _ := streamTimers.Get().(*streamTimer)
	t.mu.Lock()
	t.w = w
	t.mu.Unlock()
	t.timer.Reset(timeout)
	return t
}

func (t *streamTimer) pass() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.w != nil {
		setReadDeadline(t.w, time.Unix(0, 1))
	}
}

func (t *streamTimer) end() {
	stopped := t.timer.Stop()
	t.mu.Lock()
	t.w = nil
	t.mu.Unlock()
	if stopped { // else it may still be on its way, and must not meet another request
		streamTimers.Put(t)
	}
}

func setReadDeadline(w http.ResponseWriter, deadline time.Time) {
	// What cannot have a deadline, such as a recorder in a test, is not read from a network.
	_ = http.NewResponseController(w).SetReadDeadline(deadline)
}
