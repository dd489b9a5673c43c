package rpc

import (
	"context"
	"errors"
	"net/http"
	"time"

	"connectrpc.com/connect"
	"github.com/rs/zerolog"

	"github.com/sepal-ml/sepal/services/internal/admission"
	"github.com/sepal-ml/sepal/services/internal/metrics"
)

// Admission refuses calls that the server has no time for: see package admission. Make one with
// [NewAdmission]; nil refuses nothing. It has two places among the layers, [Admission.Door] and an
// interceptor, and concerns only the paths that it was made for: health, metrics, the registry and
// whatever else is looked at while a server is overloaded never wait for predictions.
type Admission struct {
	controller *admission.Controller
	streams    map[string]bool // of each path: whether the client streams
	waited     func(time.Duration)
	canned     canned
	told       refusals
}

// AdmissionOptions set an Admission up.
type AdmissionOptions struct {
	// Controller says what is admitted.
	Controller *admission.Controller
	// Paths are those of the calls that it is asked for, and whether their clients stream.
	Paths map[string]bool
	// Waited gets how long each call waited that did. Nil: nobody wants to know.
	Waited func(time.Duration)
	// Logger gets one line a second at most that says how many were refused.
	Logger zerolog.Logger
}

// NewAdmission returns an Admission.
func NewAdmission(o AdmissionOptions) *Admission {
	if o.Waited == nil {
		o.Waited = func(time.Duration) {}
	}
	return &Admission{
		controller: o.Controller,
		streams:    o.Paths,
		waited:     o.Waited,
		canned:     newCanned(),
		told:       refusals{logger: o.Logger},
	}
}

// Door refuses calls before anything of them is read. It must stand within [Unheard], and outside
// all that takes time.
func (a *Admission) Door(next http.Handler) http.Handler {
	if a == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stream, ours := a.streams[r.URL.Path]
		if !ours {
			next.ServeHTTP(w, r)
			return
		}
		c, r := callOf(r)
		c.admission = a
		timeout, _ := clientTimeout(r.Header)
		a.controller.Patience(timeout)
		if a.controller.Arrive(c.start) == admission.Admitted {
			if stream { // it may be open for days
				a.controller.Depart(0)
				next.ServeHTTP(w, r)
				return
			}
			defer func() {
				c.leaveTurn()
				a.controller.Depart(c.weight)
			}()
			a.serve(c, w, r, next)
			return
		}
		c.heard, c.code, c.reason = true, connect.CodeResourceExhausted, metrics.ReasonOverload
		c.tellID(w.Header())
		a.told.add(admission.Overloaded)
		a.canned.write(w, r)
	})
}

// enter waits for the turn of a call, or returns the error that it gets instead.
func (a *Admission) enter(ctx context.Context, c *call, weight int64, patient bool) error {
	c.weight = weight
	turn, verdict := a.controller.Enter(ctx, weight, patient)
	if turn.Waited > 0 {
		a.waited(turn.Waited)
	}
	if verdict == admission.Admitted {
		c.turn, c.held = turn, true
		return nil
	}
	// Those that are too late or gone are told of together where there is a queue, which is why.
	if c.unlogged = verdict == admission.Overloaded || turn.Waited > 0 || a.controller.Crowded(); c.unlogged {
		a.told.add(verdict)
	}
	switch verdict {
	case admission.Late:
		return connect.NewError(connect.CodeDeadlineExceeded, errors.New("the deadline is too near: the answer would come after it, so it was not begun"))
	case admission.Gone:
		return connect.NewError(connect.CodeCanceled, errors.New("the request was cancelled"))
	default:
		c.reason = metrics.ReasonOverload
		return overloaded()
	}
}

// leaveTurn gives the turn of a call back, if it has one.
func (c *call) leaveTurn() {
	if c.held {
		c.held = false
		c.admission.controller.Leave(c.turn)
	}
}

// admitted is the interceptor that gives the messages of streams their turns. That of a request of
// one message is taken before it is decoded, see [turnBody], and given back here when there is an
// answer, or when the first of it is sent.
type admitted struct{}

func (admitted) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc { return next }

func (admitted) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (admitted) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		c := callFrom(ctx)
		if c == nil || c.admission == nil {
			return next(ctx, conn)
		}
		defer c.leaveTurn()
		return next(ctx, &turnsConn{StreamingHandlerConn: conn, ctx: ctx, call: c, chunks: conn.Spec().StreamType == connect.StreamTypeServer})
	}
}

// turnsConn takes turns message by message, and holds none while it waits for the client. Where the
// client streams, a message waits for its turn as long as it takes: the stream is not read meanwhile,
// which slows the client down and costs nothing. A request that is answered in chunks is admitted as
// a unary one is, and its chunks after the first then wait as messages do.
type turnsConn struct {
	connect.StreamingHandlerConn
	ctx    context.Context //nolint:containedctx // the context of the stream, which ends with it
	call   *call
	chunks bool
}

// maxChunkWeight is what a chunk weighs at most.
const maxChunkWeight = 16

func (t *turnsConn) Receive(message any) error {
	if t.chunks {
		return t.StreamingHandlerConn.Receive(message)
	}
	t.call.leaveTurn()
	if err := t.StreamingHandlerConn.Receive(message); err != nil {
		return err
	}
	return t.call.admission.enter(t.ctx, t.call, 1, true)
}

func (t *turnsConn) Send(message any) error {
	weight := t.call.weight
	t.call.leaveTurn()
	err := t.StreamingHandlerConn.Send(message)
	if err != nil || !t.chunks {
		return err
	}
	return t.call.admission.enter(t.ctx, t.call, min(weight, maxChunkWeight), true)
}
