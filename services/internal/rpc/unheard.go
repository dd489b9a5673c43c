package rpc

import (
	"cmp"
	"errors"
	"net/http"

	"connectrpc.com/connect"
	"github.com/rs/zerolog"

	"github.com/sepal-ml/sepal/services/internal/crash"
)

// Unheard looks after requests that end before an RPC hears of them: their content type is not
// read, their method not answered, their message broken or too large. Where Connect refuses
// without a word, the answer gets a JSON body in Connect's form of an error. Each is logged, as
// the error layer logs the calls that it sees; and so is an answer that an RPC gave well, but
// that could not be sent.
//
// A panic that no RPC hears of, such as one of a codec's, is answered, logged and reported as the
// error layer does with those of a handler. Where some of the answer was sent before, the
// connection, or the stream of it, is broken off.
func Unheard(logger zerolog.Logger, crashes *crash.Reporter, next http.Handler) http.Handler {
	writer := connect.NewErrorWriter()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, r := callOf(r)
		if w != http.ResponseWriter(&c.answer) {
			c.answer = answer{ResponseWriter: w, request: r, call: c}
		}
		defer func() {
			if p := recover(); p != nil {
				err := c.panicked(logger, crashes, p)
				if c.answer.begun {
					panic(http.ErrAbortHandler)
				}
				// A client that has gone away is all that can go wrong here.
				_ = writer.Write(&c.answer, r, err)
			}
		}()
		next.ServeHTTP(&c.answer, r)
		if c.code != 0 { // heard and logged
			return
		}
		code := c.outcome()
		if code == 0 {
			return
		}
		c.tellID(c.answer.Header()) // in time for an error over gRPC, which is nothing but headers
		message := "request not taken"
		if c.heard {
			message = "answer not sent"
		}
		if c.heard && serverFault(code) {
			report(crashes, c, fault{code: code, err: c.answer.unsent})
		}
		logger.Info().
			EmbedObject(about{c, r}).
			Int("status", cmp.Or(c.answer.status, http.StatusOK)). // that of nothing but headers
			Str("code", code.String()).
			Msg(message)
	})
}

// about is which request a line of the log is about.
type about struct {
	call    *call
	request *http.Request
}

// MarshalZerologObject adds it to a line.
func (i about) MarshalZerologObject(line *zerolog.Event) {
	line.Str("method", i.request.Method).
		Str("path", Bounded(i.request.URL.Path)).
		Str("peer", i.request.RemoteAddr).
		Str("request_id", i.call.requestID())
	if id := i.call.traceID(); id != "" {
		line.Str("trace_id", id)
	}
	if p := i.call.principal; p != nil {
		line.Str("principal", p.Name)
	}
}

// panicked notes, logs and reports a panic on its way out of the request, and returns what the
// client gets.
func (c *call) panicked(logger zerolog.Logger, crashes *crash.Reporter, value any) *connect.Error {
	err := panicked(value)
	shown := forClient(&c.scope, err)
	c.heard, c.code = true, shown.Code()
	c.tellID(c.answer.Header())
	line := logger.Error().EmbedObject(about{c, c.answer.request}).Str("code", shown.Code().String()).Err(err)
	var p *panicError
	if errors.As(err, &p) {
		line.Bytes("stack", p.stack)
	}
	line.Msg("request")
	report(crashes, c, fault{code: shown.Code(), err: err})
	return shown
}
