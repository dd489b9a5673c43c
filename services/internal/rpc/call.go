package rpc

import (
	"context"
	"net/http"
	"time"

	"connectrpc.com/connect"

	"github.com/sepal-ml/sepal/services/internal/admission"
	"github.com/sepal-ml/sepal/services/internal/identity"
	"github.com/sepal-ml/sepal/services/internal/metrics"
	"github.com/sepal-ml/sepal/services/internal/ratelimit"
)

// call is what the layers know of one request, and what they put around it: one allocation in
// place of one or two for each layer. Only the goroutine that answers the request uses it.
type call struct {
	scope  scope
	answer answer

	id    string    // empty until somebody asks for it; see requestID
	ids   [1]string // id, as a header has it
	start time.Time

	rpc      *metrics.RPC     // nil: nothing is counted
	protocol metrics.Protocol // set with rpc

	body     boundedBody
	late     lateBody
	times    times
	deadline deadlineContext
	trace    *callTrace // nil: it is not traced

	// What answers it, for who traces and reports; empty as long as that is not settled, or
	// nobody wants to know.
	model, version string

	principal *identity.Principal // who calls; nil: nobody asks, or it is not settled

	limiter *ratelimit.Limiter // nil: there is no limit on requests, or none on this
	limited ratelimit.Key      // against whom it counts
	taken   int                // rows that count beside the request

	admission *Admission // nil: nobody asks whether there is time for it
	weight    int64      // as admission has it, 0 as long as it is not known
	turn      admission.Turn
	held      bool // turn is to be given back
	turns     turnBody
	unlogged  bool // its refusal is told of with others

	known  bool           // there is such an RPC; set with rpc
	heard  bool           // the error layer has seen it
	code   connect.Code   // how it ended, 0 for well; see outcome
	ended  bool           // code is settled
	reason metrics.Reason // why it was rejected, if it was and the code does not say
}

// outcome returns the code that the client got, 0 where all is well. Until the request has been
// answered, code is what the error layer made of it.
func (c *call) outcome() connect.Code {
	if c.code == 0 && !c.ended {
		c.code = c.answer.failure()
	}
	c.ended = true
	return c.code
}

// scope is the context of a call.
type scope struct {
	context.Context //nolint:containedctx // it is a context, and adds to this one
	call            *call
}

type callKey struct{}

// Value returns the call for its key.
func (s *scope) Value(key any) any {
	if key == (callKey{}) {
		return s.call
	}
	return s.Context.Value(key)
}

// callFrom returns the call that ctx belongs to, or nil.
func callFrom(ctx context.Context) *call {
	if s, direct := ctx.(*scope); direct {
		return s.call
	}
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// callOf returns the call of the request and the request within it. It begins one where no layer
// has.
func callOf(r *http.Request) (*call, *http.Request) {
	if c := callFrom(r.Context()); c != nil {
		return c, r
	}
	c := &call{start: time.Now()}
	c.scope = scope{Context: r.Context(), call: c}
	return c, r.WithContext(&c.scope)
}
