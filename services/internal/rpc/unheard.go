package rpc

import (
	"net/http"

	"github.com/rs/zerolog"
)

// Unheard looks after requests that end before an RPC hears of them: their content type is not
// read, their method not answered, their message broken or too large. Where Connect refuses
// without a word, the answer gets a JSON body in Connect's form of an error. Each is logged, as
// the error layer logs the calls that it sees; and so is an answer that an RPC gave well, but
// that could not be sent.
func Unheard(logger zerolog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, r := callOf(r)
		if w != http.ResponseWriter(&c.answer) {
			c.answer = answer{ResponseWriter: w, request: r, call: c}
		}
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
		logger.Info().
			Str("method", r.Method).
			Str("path", Bounded(r.URL.Path)).
			Str("peer", r.RemoteAddr).
			Str("request_id", c.requestID()).
			Int("status", c.answer.status).
			Str("code", code.String()).
			Msg(message)
	})
}
