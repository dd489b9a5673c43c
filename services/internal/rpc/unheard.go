package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"connectrpc.com/connect"
	"github.com/rs/zerolog"
)

// Unheard looks after requests that end before an RPC hears of them: their content type is not
// read, their method not answered, their message broken or too large. Where Connect refuses
// without a word, the answer gets a JSON body in Connect's form of an error. Each is logged, as
// the error layer logs the calls that it sees.
func Unheard(logger zerolog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		heard := new(bool)
		answer := &answer{ResponseWriter: w, request: r}
		next.ServeHTTP(answer, r.WithContext(context.WithValue(r.Context(), heardKey{}, heard)))
		if *heard || !answer.failed() {
			return
		}
		logger.Info().
			Str("method", r.Method).
			Str("path", Bounded(r.URL.Path)).
			Str("peer", r.RemoteAddr).
			Str("request_id", w.Header().Get(RequestIDHeader)).
			Int("status", answer.status).
			Msg("request not taken")
	})
}

type heardKey struct{}

// hear notes that the error layer has seen the call that ctx belongs to.
func hear(ctx context.Context) {
	if heard, ok := ctx.Value(heardKey{}).(*bool); ok {
		*heard = true
	}
}

// answer is a response that remembers its status.
type answer struct {
	http.ResponseWriter
	request *http.Request
	status  int
}

// Unwrap is for [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Flush is for Connect's streams.
func (a *answer) Flush() {
	// Where flushing fails, the next write does.
	_ = http.NewResponseController(a.ResponseWriter).Flush()
}

func (a *answer) WriteHeader(status int) {
	first := a.status == 0
	a.status = status
	reason := a.reason()
	if !first || reason == "" {
		a.ResponseWriter.WriteHeader(status)
		return
	}
	a.Header().Set("Content-Type", "application/json")
	a.ResponseWriter.WriteHeader(status)
	// A client that has gone away is all that can go wrong here.
	_ = json.NewEncoder(a.ResponseWriter).Encode(map[string]string{
		"code":    connect.CodeInvalidArgument.String(),
		"message": reason,
	})
}

const contentTypes = "application/json, application/proto, application/grpc or application/grpc-web, without parameters other than charset=utf-8 of JSON"

// reason says what Connect means by a status without a body; empty: the body says it.
func (a *answer) reason() string {
	header, r := a.Header(), a.request
	switch {
	case header.Get("Content-Type") != "":
		return ""
	case a.status == http.StatusUnsupportedMediaType && r.Method == http.MethodGet:
		return fmt.Sprintf("encoding %q is not read here: ask with ?encoding=json&message=, followed by the request", Bounded(r.URL.Query().Get("encoding")))
	case a.status == http.StatusUnsupportedMediaType:
		return fmt.Sprintf("content type %q is not read here: send %s", Bounded(r.Header.Get("Content-Type")), contentTypes)
	case a.status == http.StatusMethodNotAllowed:
		return fmt.Sprintf("%s is not answered here: send %s", r.Method, header.Get("Allow"))
	}
	return ""
}

// failed reports whether the answer is an error, as far as can be told from outside a message.
func (a *answer) failed() bool {
	if a.status >= http.StatusBadRequest {
		return true
	}
	for _, key := range []string{"Grpc-Status", http.TrailerPrefix + "Grpc-Status"} {
		if code := a.Header().Get(key); code != "" && code != "0" {
			return true
		}
	}
	return false
}
