package rpc

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"
)

// answer is a response that remembers its status, and says what Connect refuses without a word.
type answer struct {
	http.ResponseWriter
	request *http.Request
	call    *call
	status  int
	unsent  error // why the answer, or some of it, could not be sent
	// unflushed says that what is flushed stays in the buffer until the end. Connect flushes
	// after the message and after the trailers of every gRPC-Web answer; of a unary one over
	// HTTP/1.1 that is two packets, in chunks, where one would do. Over HTTP/2 it is no loss.
	unflushed bool
	begun     bool // something of it was sent, or at least its headers
	// gathers says that what is flushed is sent when the handler waits for the next message, and
	// flushed that there is such; see [Gather].
	gathers, flushed bool
}

// Unwrap is for [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Flush is for Connect's streams.
func (a *answer) Flush() {
	switch {
	case a.unflushed:
	case a.gathers:
		a.flushed = true
	default:
		a.flush()
	}
}

func (a *answer) flush() {
	if !a.begun && a.failure() != 0 { // an error over gRPC is nothing but headers
		a.call.tellID(a.Header())
	}
	a.begun = true
	// Where flushing fails, the next write does.
	if f, ok := a.ResponseWriter.(http.Flusher); ok {
		f.Flush()
		return
	}
	_ = http.NewResponseController(a.ResponseWriter).Flush()
}

func (a *answer) Write(p []byte) (int, error) {
	a.begun = true
	a.call.leaveTurn() // what is left is to be taken by the client
	if t := a.call.trace; t != nil && t.encoded.IsZero() {
		t.encoded = time.Now()
	}
	n, err := a.ResponseWriter.Write(p)
	if err != nil && a.unsent == nil {
		a.unsent = err
	}
	return n, err
}

func (a *answer) WriteHeader(status int) {
	first := a.status == 0
	a.status, a.begun = status, true
	if first && status >= http.StatusBadRequest {
		a.call.tellID(a.Header())
	}
	reason := a.reason()
	if !first || reason == "" {
		a.ResponseWriter.WriteHeader(status)
		return
	}
	a.Header().Set("Content-Type", "application/json")
	a.ResponseWriter.WriteHeader(status)
	// A client that has gone away is all that can go wrong here.
	_ = json.NewEncoder(a.ResponseWriter).Encode(map[string]string{
		"code":    codeOfStatus(status).String(),
		"message": reason,
	})
}

const (
	contentTypes       = "application/json, application/proto, application/grpc or application/grpc-web, without parameters other than charset=utf-8 of JSON"
	streamContentTypes = "application/connect+json, application/connect+proto, application/grpc or application/grpc-web, since this call streams"
)

// reason says what Connect means by a status without a body; empty: the body says it.
func (a *answer) reason() string {
	header, r := a.Header(), a.request
	switch {
	case header.Get("Content-Type") != "":
		return ""
	case a.status == http.StatusUnsupportedMediaType && r.Method == http.MethodGet:
		return fmt.Sprintf("encoding %q is not read here: ask with ?encoding=json&message=, followed by the request", Bounded(r.URL.Query().Get("encoding")))
	case a.status == http.StatusUnsupportedMediaType:
		readable := contentTypes
		if strings.Contains(header.Get("Accept-Post"), "application/connect+") {
			readable = streamContentTypes
		}
		return fmt.Sprintf("content type %q is not read here: send %s", Bounded(r.Header.Get("Content-Type")), readable)
	case a.status == http.StatusMethodNotAllowed:
		return fmt.Sprintf("%s is not answered here: send %s", r.Method, header.Get("Allow"))
	case a.status == http.StatusHTTPVersionNotSupported:
		return "this call streams in both directions, which needs HTTP/2; ask for one answer with Predict, or for many with BatchPredict"
	}
	return ""
}

// failure returns the code of an answer that is an error, as far as can be told from outside a
// message, and 0 for any other.
func (a *answer) failure() connect.Code {
	if a.status >= http.StatusBadRequest {
		return codeOfStatus(a.status)
	}
	header := a.Header()
	status := header[http.TrailerPrefix+"Grpc-Status"] // over gRPC; both keys are as they are stored
	if len(status) == 0 {
		status = header["Grpc-Status"] // over gRPC-Web, where there is no message before it
	}
	switch {
	case len(status) == 0 && a.unsent != nil && a.call.heard:
		return codeOfUnsent(a.unsent)
	case len(status) == 0 || status[0] == "0":
		return 0
	}
	if code, err := strconv.ParseUint(status[0], 10, 32); err == nil {
		return connect.Code(code)
	}
	return connect.CodeUnknown
}

// codeOfUnsent returns the code of an answer that was not sent, where the protocol has no place for
// one after the message: it was time, or the client went away.
func codeOfUnsent(err error) connect.Code {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return connect.CodeDeadlineExceeded
	}
	return connect.CodeCanceled
}

// codeOfStatus returns the code that Connect, or this package, has sent with an HTTP status. Of
// those that share one it is the one that may come without an RPC hearing of it.
func codeOfStatus(status int) connect.Code {
	switch status {
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType:
		return connect.CodeInvalidArgument
	case http.StatusUnauthorized:
		return connect.CodeUnauthenticated
	case http.StatusForbidden:
		return connect.CodePermissionDenied
	case http.StatusNotFound, http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return connect.CodeUnimplemented
	case http.StatusTooManyRequests:
		return connect.CodeResourceExhausted
	case statusClientClosedRequest:
		return connect.CodeCanceled
	case http.StatusInternalServerError:
		return connect.CodeInternal
	case http.StatusServiceUnavailable:
		return connect.CodeUnavailable
	case http.StatusGatewayTimeout:
		return connect.CodeDeadlineExceeded
	default:
		return connect.CodeUnknown
	}
}

// statusClientClosedRequest is what Connect sends for CANCELED.
const statusClientClosedRequest = 499
