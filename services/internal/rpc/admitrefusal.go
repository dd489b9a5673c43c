package rpc

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	"github.com/rs/zerolog"

	"github.com/sepal-ml/sepal/services/internal/admission"
	"github.com/sepal-ml/sepal/services/internal/h2"
)

// Clients are told to wait between half a second and one and a half, so that those who were refused
// together do not come back together.
const (
	retryLeast = 500 * time.Millisecond
	retrySteps = 8
	retryStep  = 125 * time.Millisecond
)

const overloadText = "the server has more to do than it can; try again in a second, or ask another one"

func overloaded() *connect.Error {
	return overloadedFor(retryLeast + time.Duration(rand.IntN(retrySteps))*retryStep)
}

func overloadedFor(wait time.Duration) *connect.Error { return Exhausted(wait, overloadText) }

// canned are the answers that refuse a call, made beforehand: to make one takes longer than to
// refuse a call does else.
type canned struct {
	writer *connect.ErrorWriter
	byType map[string][]*cannedAnswer // by content type, one for each time to wait
}

// cannedAnswer is what was written of an answer.
type cannedAnswer struct {
	header http.Header
	status int
	body   []byte
	block  *h2.Block // the header, as the short path sends it
}

func (a *cannedAnswer) Header() http.Header    { return a.header }
func (a *cannedAnswer) WriteHeader(status int) { a.status = status }

func (a *cannedAnswer) Write(p []byte) (int, error) {
	a.body = append(a.body, p...)
	return len(p), nil
}

func newCanned() canned {
	c := canned{writer: connect.NewErrorWriter(), byType: make(map[string][]*cannedAnswer)}
	for _, contentType := range []string{
		"application/grpc", "application/grpc+proto", "application/grpc+json",
		"application/grpc-web", "application/grpc-web+proto", "application/grpc-web+json",
		"application/json", "application/proto", "application/connect+json", "application/connect+proto",
	} {
		for i := range retrySteps {
			made := &cannedAnswer{header: make(http.Header), status: http.StatusOK}
			r := &http.Request{Method: http.MethodPost, URL: new(url.URL), Header: http.Header{"Content-Type": {contentType}}}
			_ = c.writer.Write(made, r, overloadedFor(retryLeast+time.Duration(i)*retryStep)) // it takes all
			made.settle()
			c.byType[contentType] = append(c.byType[contentType], made)
		}
	}
	return c
}

// settle makes the block of what was written.
func (a *cannedAnswer) settle() {
	fields := []h2.Field{{Name: "content-length", Value: strconv.Itoa(len(a.body))}}
	for key, values := range a.header {
		for _, value := range values {
			fields = append(fields, h2.Field{Name: strings.ToLower(key), Value: value})
		}
	}
	a.block = h2.NewBlock(fields...)
}

// write answers a request with the refusal, in its protocol.
func (c *canned) write(w http.ResponseWriter, r *http.Request) {
	var answers []*cannedAnswer
	if values := r.Header["Content-Type"]; len(values) == 1 {
		answers = c.byType[values[0]]
	}
	if answers == nil {
		// A client that has gone away is all that can go wrong here.
		_ = c.writer.Write(w, r, overloaded())
		return
	}
	answer := answers[rand.IntN(len(answers))]
	header := w.Header()
	for key, values := range answer.header {
		header[key] = values // net/http only reads them
	}
	w.WriteHeader(answer.status)
	if len(answer.body) > 0 {
		_, _ = w.Write(answer.body) // as above
	}
}

// tellEvery is how often refusals are logged.
const tellEvery = time.Second

// refusals logs how many there were, not each: a flood of calls must not become one of lines.
type refusals struct {
	logger zerolog.Logger

	mu     sync.Mutex
	counts [admission.Gone + 1]uint64 // by verdict
	armed  bool
}

// add counts a refusal, which is told of within a second.
func (r *refusals) add(v admission.Verdict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[v]++
	if !r.armed {
		r.armed = true
		time.AfterFunc(tellEvery, r.tell)
	}
}

func (r *refusals) tell() {
	r.mu.Lock()
	counts := r.counts
	r.counts, r.armed = [len(r.counts)]uint64{}, false
	r.mu.Unlock()
	r.logger.Warn().
		Uint64("overload", counts[admission.Overloaded]).
		Uint64("deadline", counts[admission.Late]).
		Uint64("gone", counts[admission.Gone]).
		Msg("overloaded: requests not answered in the last second")
}
