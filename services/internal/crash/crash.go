// Package crash reports panics and internal errors to Sentry, or to what speaks its protocol. An
// event says where something went wrong, in which request of which model, and never with what: no
// value of a request, no text of an error or of a panic leaves the process, since both may quote
// such values. The log has them, under the same request id.
//
// A report never waits and never fails for who makes it: a few wait in a queue, the rest is
// counted. There is a goroutine only while there is something to send, and no global state.
package crash

import (
	"context"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Bounds on what is sent: after a burst, one event in a while; the others of a loop of failures say
// nothing new.
const (
	burst        = 10
	refillEvery  = 10 * time.Second
	maxQueued    = burst
	sendTimeout  = 10 * time.Second
	complainEach = time.Minute
)

// Options set a reporter up.
type Options struct {
	// Logger is told that reports are lost: once a minute at most.
	Logger zerolog.Logger
	// Version is that of the program.
	Version string
}

// Fault is something that went wrong in the server.
type Fault struct {
	// RPC is the name of the call, such as "sepal.prediction.v1.PredictionService/Predict", or "".
	RPC string
	// Protocol is what Connect calls its protocol, Code what the client got.
	Protocol, Code string
	// RequestID is the id under which the log has more.
	RequestID string
	// TraceID and SpanID are those of the request's trace, or "".
	TraceID, SpanID string
	// Model and ModelVersion are what was about to answer, or "".
	Model, ModelVersion string
	// Panic is what the handler panicked with, nil: it did not. Only its type is told and, of
	// errors of the runtime, which.
	Panic any
	// Stack is where it panicked; see [Stack].
	Stack []uintptr
	// Err is the error where there was no panic. Only the types of its chain are told.
	Err error
}

// Reporter reports faults. Report may be called by any number of goroutines, and on nil, which
// reports nothing.
type Reporter struct {
	options     Options
	environment string
	release     string
	target      target
	warning     string // why there is no target
	client      *http.Client

	mu         sync.Mutex
	allowed    limiter
	queue      []Fault
	dropped    int           // since the last event that was sent
	idle       chan struct{} // closed when the queue is empty; nil: it is
	cancel     context.CancelFunc
	stopped    bool
	pausedTill time.Time // as the other side has asked for
	complained time.Time
}

// FromEnvironment returns a reporter to the DSN of the variable SENTRY_DSN, or nil where that is
// not set. SENTRY_ENVIRONMENT and SENTRY_RELEASE are told with each event.
func FromEnvironment(o Options) *Reporter {
	dsn := os.Getenv("SENTRY_DSN")
	if dsn == "" {
		return nil
	}
	r := &Reporter{
		options:     o,
		environment: os.Getenv("SENTRY_ENVIRONMENT"),
		release:     os.Getenv("SENTRY_RELEASE"),
		client: &http.Client{
			Timeout:   sendTimeout,
			Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: sendTimeout},
			// The key is for the host of the DSN and no other.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		allowed: limiter{left: burst, at: time.Now()},
	}
	if r.release == "" {
		r.release = "sepal@" + plainVersion(o.Version)
	}
	target, err := parseDSN(dsn)
	if err != nil {
		r.warning = err.Error()
		return r
	}
	r.target = target
	return r
}

// Start says in the log what is wrong with the environment.
func (r *Reporter) Start() {
	if r != nil && r.warning != "" {
		r.options.Logger.Warn().Msg(r.warning)
	}
}

// Report sends a fault, if it is not one of too many. It does not wait.
func (r *Reporter) Report(f Fault) {
	if r == nil || r.target.url == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if r.stopped || now.Before(r.pausedTill) || len(r.queue) >= maxQueued || !r.allowed.take(now) {
		r.dropped++
		return
	}
	r.queue = append(r.queue, f)
	if r.idle == nil {
		r.idle = make(chan struct{})
		ctx, cancel := context.WithCancel(context.Background())
		r.cancel = cancel
		go r.work(ctx, cancel, r.idle)
	}
}

// work sends what is queued, until nothing is.
func (r *Reporter) work(ctx context.Context, cancel context.CancelFunc, idle chan struct{}) {
	defer close(idle)
	defer r.client.CloseIdleConnections()
	defer cancel()
	for {
		fault, dropped, ok := r.next()
		if !ok {
			return
		}
		pause, err := r.send(ctx, r.event(fault, dropped, time.Now()))
		r.note(pause, dropped, err)
	}
}

// next takes a fault from the queue. The second result is how many were not sent before it.
func (r *Reporter) next() (f Fault, dropped int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 {
		r.idle = nil
		return Fault{}, 0, false
	}
	f = r.queue[0]
	r.queue[0] = Fault{}
	r.queue = r.queue[1:]
	dropped, r.dropped = r.dropped, 0
	return f, dropped, true
}

// note keeps to what the other side asks for, and says that reports are lost, if it was not said
// lately. The event that was sent told of some that were dropped.
func (r *Reporter) note(pause time.Duration, dropped int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if pause > 0 {
		r.pausedTill = now.Add(pause)
		r.dropped += len(r.queue)
		r.queue = nil
	}
	if err == nil {
		return
	}
	r.dropped += dropped + 1
	if now.Sub(r.complained) >= complainEach {
		r.complained = now
		r.options.Logger.Warn().Err(err).Msg("a crash report was not sent")
	}
}

// Stop sends what is there, until ctx ends at the latest. What is reported from then on is not sent.
func (r *Reporter) Stop(ctx context.Context) error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	r.stopped = true
	idle, cancel := r.idle, r.cancel
	r.mu.Unlock()
	if idle == nil {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		r.mu.Lock()
		r.queue = nil
		r.mu.Unlock()
		cancel()
		<-idle
		return context.Cause(ctx)
	}
}

// limiter is a bucket of tokens.
type limiter struct {
	left float64
	at   time.Time
}

func (l *limiter) take(now time.Time) bool {
	l.left = min(burst, l.left+now.Sub(l.at).Seconds()/refillEvery.Seconds())
	l.at = now
	if l.left < 1 {
		return false
	}
	l.left--
	return true
}
