package rpc

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/sepal-ml/sepal/services/internal/admission"
	"github.com/sepal-ml/sepal/services/internal/h2"
	"github.com/sepal-ml/sepal/services/internal/metrics"
)

// Scorer answers a message, in JSON or in Protobuf's wire format: it appends the answer to dst. It returns false
// where the ordinary handler has to answer, and must not have counted anything then.
type Scorer func(dst, message []byte, call *ShortCall) ([]byte, bool)

// ShortOptions set a [Short] up.
type ShortOptions struct {
	Options
	// Path is that of the unary call which is answered.
	Path string
	// Scorer answers it.
	Scorer Scorer
	// RPC gets what is counted of it.
	RPC *metrics.RPC
	// Admission says whether there is time for it. Nil: always.
	Admission *Admission
	// Guard says who may call it, and how often. Its zero value lets all.
	Guard GuardOptions
}

// Short answers one unary call on the short path of package h2, in the binary form of all three
// protocols and in Connect's JSON: what the layers around the handler do for a request that is as most are, in their order,
// without the machinery between them. All that is not as most are is left to the layers: what is
// compressed, traced, badly formed, refused, late, or comes from a page of another origin. So an
// answer is the same whichever path it took, and is counted in the same metrics.
type Short struct {
	ShortOptions
	guard *guard
	log   errorLayer
	calls sync.Pool // of *ShortCall
}

// NewShort returns the short path of a call, or nil where requests are traced.
func NewShort(o ShortOptions) *Short {
	if o.Tracer != nil {
		return nil
	}
	s := &Short{ShortOptions: o, log: errorLayer{logger: o.Logger, sampleRate: o.LogSampleRate, crashes: o.Crashes}}
	if o.Guard.Authenticator != nil || o.Guard.Limiter != nil {
		s.guard = &guard{GuardOptions: o.Guard}
	}
	return s
}

// Takes reports whether path is that of the call.
func (s *Short) Takes(path string) bool { return path == s.Path }

// ShortCall is what is known of a call on the short path.
type ShortCall struct {
	short   *Short
	request *h2.ShortRequest
	form    *shortForm
	start   time.Time
	took    time.Duration // until there was an answer
	timeout time.Duration // 0: none
	id      string
	gzip    bool     // the client reads gzip
	tokens  []string // of Authorization
	proxies []string // of X-Forwarded-For
	call    *call    // nil: nobody has asked for it
}

// May reports whether the call may be answered now, with a message of so many bytes and its envelope.
// It is the last thing to ask before the answer is counted.
func (c *ShortCall) May(size int) bool {
	if size-envelopeBytes >= compressMinBytes && c.gzip || size > maxSendBytes {
		return false
	}
	c.took = time.Since(c.start)
	return (c.timeout == 0 || c.took < c.timeout) && (c.short.Timeout <= 0 || c.took < c.short.Timeout)
}

// JSON reports whether the message is in JSON, and so is its answer to be.
func (c *ShortCall) JSON() bool { return c.form.json }

// Context returns the context of the call, for who logs it.
func (c *ShortCall) Context() context.Context { return &c.known().scope }

// known returns the call as the layers know one.
func (c *ShortCall) known() *call {
	if c.call == nil {
		c.call = &call{start: c.start, id: c.id}
		c.call.scope = scope{Context: context.Background(), call: c.call}
	}
	return c.call
}

// Answer answers a request, if it is as most are. One that panics here is left to the layers, which
// know what to tell of it, and whom.
func (s *Short) Answer(request *h2.ShortRequest, reply *h2.Reply) (answered bool) {
	defer func() {
		if recover() != nil {
			answered = false
		}
	}()
	c, ok := s.calls.Get().(*ShortCall)
	if !ok {
		c = new(ShortCall)
	}
	*c = ShortCall{short: s, request: request, start: request.Arrived, tokens: c.tokens[:0], proxies: c.proxies[:0]}
	defer s.calls.Put(c)
	message, ok := c.read()
	if !ok {
		return false
	}
	if s.Admission == nil {
		return s.answer(c, message, reply)
	}
	return s.admit(c, message, reply)
}

// admit is what [Admission] does: at the door, and for the turn of the message.
func (s *Short) admit(c *ShortCall, message []byte, reply *h2.Reply) bool {
	a, weight := s.Admission, 1+int64(len(c.request.Body))/bytesPerUnit
	if !a.controller.Free(weight) {
		return false
	}
	a.controller.Patience(c.timeout)
	if a.controller.Arrive(c.start) != admission.Admitted {
		s.refuse(c, reply)
		return true
	}
	weighed := int64(0)
	defer func() { a.controller.Depart(weighed) }()
	turn, ok := a.controller.TryEnter(weight)
	if !ok {
		return false
	}
	defer a.controller.Leave(turn)
	if !s.answer(c, message, reply) {
		return false
	}
	weighed = weight
	return true
}

// refuse answers with RESOURCE_EXHAUSTED.
func (s *Short) refuse(c *ShortCall, reply *h2.Reply) {
	s.RPC.Begin()
	s.Admission.told.add(admission.Overloaded)
	answers := s.Admission.canned.byType[c.form.contentType]
	made := answers[rand.IntN(len(answers))]
	reply.Status = made.status
	reply.Common = made.block
	reply.Header = append(reply.Header, h2.Field{Name: "x-request-id", Value: c.known().requestID()})
	reply.Body = append(reply.Body, made.body...)
	s.RPC.Whole(0, len(made.body))
	s.RPC.End(c.form.protocol, connect.CodeResourceExhausted, metrics.ReasonOverload, time.Since(c.start))
}

// answer is what all that is within [Admission] does.
func (s *Short) answer(c *ShortCall, message []byte, reply *h2.Reply) bool {
	if s.guard != nil && !s.pass(c) {
		return false
	}
	body := reply.Body
	if c.form.enveloped {
		body = append(body, 0, 0, 0, 0, 0)
	}
	body, ok := s.Scorer(body, message, c)
	if !ok {
		return false
	}
	if c.form.enveloped {
		binary.BigEndian.PutUint32(body[1:], uint32(len(body)-envelopeBytes))
	}
	reply.Body = append(body, c.form.tail...)
	c.headers(reply)
	s.count(c, len(reply.Body))
	return true
}

// pass is what [Guard] does. A request that does not pass has changed nothing, but that it was asked
// for.
func (s *Short) pass(c *ShortCall) bool {
	r := &http.Request{Header: make(http.Header, 2), RemoteAddr: c.request.RemoteAddr, TLS: c.request.TLS}
	if len(c.tokens) > 0 {
		r.Header["Authorization"] = c.tokens
	}
	if len(c.proxies) > 0 {
		r.Header["X-Forwarded-For"] = c.proxies
	}
	access, listed := s.guard.Access[s.Path]
	known := c.known()
	if s.guard.Authenticator != nil && s.guard.authenticate(known, r, access.Scope, listed) != nil {
		return false
	}
	if s.guard.Limiter == nil || access.Unlimited {
		return true
	}
	_, ok := s.guard.Limiter.Take(s.guard.keyOf(known, r), 1, c.start)
	return ok
}

// headers adds what stands around the answer.
func (c *ShortCall) headers(reply *h2.Reply) {
	reply.Common, reply.Trailer = c.form.header, c.form.trailer
	if c.gzip {
		reply.Common = c.form.zipped
	}
	if !c.form.enveloped {
		reply.Header = append(reply.Header, h2.Field{Name: "content-length", Value: strconv.Itoa(len(reply.Body))})
	}
	if c.id != "" {
		reply.Header = append(reply.Header, h2.Field{Name: "x-request-id", Value: c.id})
	}
}

// count counts and logs the call as answered.
func (s *Short) count(c *ShortCall, size int) {
	if level := s.log.level(nil); level >= s.log.logger.GetLevel() {
		s.log.log(level, c.known(), connect.Spec{Procedure: s.Path}, connect.Peer{Addr: c.request.RemoteAddr, Protocol: c.form.protocol.String()}, nil, nil)
	}
	s.RPC.Begin()
	s.RPC.Whole(len(c.request.Body), size)
	s.RPC.End(c.form.protocol, 0, metrics.ReasonByCode, c.took)
}
