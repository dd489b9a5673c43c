package rpc

import (
	"net/http"
	"sync"
	"time"
)

const (
	// answerGrace is how long after its time an answer may still be on its way, so that the
	// error which says that the time has passed arrives.
	answerGrace = time.Second
	// answerTail is how long the last of an answer over HTTP/1.1 may take, which net/http sends
	// when the handler is done. The bound outlives the request, so it is longer than any
	// connection is kept that waits for another: it never meets one that was sent later.
	answerTail = 5 * time.Minute
)

// Timely bounds the time of a request on its way in and out, as the deadline of the call bounds
// the time to answer it: the client may take timeout to send it, and timeout and a second from
// then on to take the answer. Where it does not, the answer is broken off. 0 is no bound. Streams
// have bounds of their own; see [streamTimes].
func Timely(timeout time.Duration, next http.Handler) http.Handler {
	if timeout <= 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, r := callOf(r)
		c.late.begin(r, timeout)
		c.times.begin(w, r, timeout)
		c.times.body = &c.late
		defer c.times.end()
		next.ServeHTTP(w, r)
	})
}

// times are the deadlines of a request on its way in and out. Their zero value is none.
type times struct {
	timeout    time.Duration
	body       *lateBody           // nil: there are no times
	connection http.ResponseWriter // over HTTP/1.1
	stream     *streamTimer        // over HTTP/2, until lifted
}

// begin starts the deadlines. A connection of HTTP/1.1 has some of its own, which cost nothing to
// set. Those of a stream of HTTP/2 are set by a message to the goroutine that serves all streams
// of a connection; only one that has passed takes effect at once, so each is set when it has.
func (t *times) begin(w http.ResponseWriter, r *http.Request, timeout time.Duration) {
	t.timeout = timeout
	if r.ProtoMajor >= 2 {
		t.stream = beginStream(w, timeout)
		return
	}
	t.connection = w
	now := time.Now()
	if r.Method == http.MethodPost {
		setReadDeadline(w, now.Add(timeout))
	}
	setWriteDeadline(w, now.Add(2*timeout+answerGrace))
}

// received is due when the request is there: net/http reads on from a connection of HTTP/1.1, and
// takes a deadline that passes for a client that has gone away.
func (t *times) received() {
	if t.connection != nil {
		setReadDeadline(t.connection, time.Time{})
	}
}

// lift takes the deadlines back, as far as they have not passed.
func (t *times) lift() {
	if t.body != nil {
		t.body.limit = 0
	}
	t.received()
	if t.connection != nil {
		setWriteDeadline(t.connection, time.Time{})
	}
	t.endStream()
}

// end is due when the handler is done. The response must not be touched any more then. net/http
// takes back the deadline for reading from a connection, but not that for writing to it.
func (t *times) end() {
	if t.connection != nil {
		setWriteDeadline(t.connection, time.Now().Add(answerTail))
	}
	t.endStream()
	*t = times{}
}

func (t *times) endStream() {
	if t.stream != nil {
		t.stream.end()
		t.stream = nil
	}
}

// streamTimer sets deadlines that have passed, when they have: that for reading first, then that
// for writing.
type streamTimer struct {
	mu     sync.Mutex
	w      http.ResponseWriter // nil: the deadlines are over
	answer time.Duration       // the time for the answer, 0 once it has begun
	timer  *time.Timer
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
	t.w, t.answer = w, timeout+answerGrace
	t.mu.Unlock()
	t.timer.Reset(timeout)
	return t
}

func (t *streamTimer) pass() {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.w == nil:
	case t.answer > 0:
		setReadDeadline(t.w, longPast())
		t.timer.Reset(t.answer)
		t.answer = 0
	default:
		setWriteDeadline(t.w, longPast())
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

// longPast is a deadline that has passed.
func longPast() time.Time { return time.Unix(0, 1) }

func setReadDeadline(w http.ResponseWriter, deadline time.Time) {
	// What cannot have a deadline, such as a recorder in a test, is not read from a network.
	_ = http.NewResponseController(w).SetReadDeadline(deadline)
}

func setWriteDeadline(w http.ResponseWriter, deadline time.Time) {
	// Nor is it written to one.
	_ = http.NewResponseController(w).SetWriteDeadline(deadline)
}
