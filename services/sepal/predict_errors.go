package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"connectrpc.com/connect"

	sepal "github.com/sepal-ml/sepal/clients/go"
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

// callError is a failed call in the words of the command line.
type callError struct {
	text string
	err  error
}

func (e *callError) Error() string { return e.text }
func (e *callError) Unwrap() error { return e.err }

// callFailed says why a call failed, to someone who knows of features and not of messages.
// server is empty for a local model.
func callFailed(server string, err error) error {
	var e *sepal.Error
	if !errors.As(err, &e) {
		return err
	}
	if text, ok := turnedAway(server, e); ok {
		return &callError{text: text, err: err}
	}
	text := e.Message
	switch e.Code {
	case connect.CodeInvalidArgument:
		if len(e.Violations) > 0 {
			parts := make([]string, len(e.Violations))
			for i, v := range e.Violations {
				parts[i] = placed(v.Field, v.Description)
			}
			text = strings.Join(parts, "; ")
		}
	case connect.CodeNotFound, connect.CodeFailedPrecondition:
	case connect.CodeUnavailable:
		text = unreachable(server, e.Message)
	case connect.CodeUnimplemented:
		text = missing(server, e.Message)
	default:
		text = fmt.Sprintf("%v: %s", e.Code, e.Message)
		if server != "" {
			text = "server " + server + ": " + text
		}
	}
	return &callError{text: text, err: err}
}

// unreachable says why no server answers there.
func unreachable(server, message string) string {
	secure := strings.HasPrefix(server, "https://")
	switch {
	// What net/http makes of an answer in HTTP/1.1.
	case !secure && (strings.Contains(message, "http2: frame too large") || strings.Contains(message, "looked like an HTTP/1.1 header") ||
		strings.Contains(message, "http2: client conn could not be established")):
		return fmt.Sprintf("server %s is no Sepal server, or one that speaks TLS: what answers there does not speak gRPC; with TLS it is https://%s",
			server, strings.TrimPrefix(server, "http://"))
	case secure && (strings.Contains(message, "server gave HTTP response to HTTPS client") || strings.Contains(message, "first record does not look like a TLS handshake")):
		return fmt.Sprintf("server %s does not speak TLS; without, it is http://%s", server, strings.TrimPrefix(server, "https://"))
	case strings.Contains(message, "certificate signed by unknown authority"):
		return fmt.Sprintf("server %s shows a certificate of an authority that is not trusted: name the authority's with --ca", server)
	}
	return fmt.Sprintf("server %s cannot be reached: %s", server, message)
}

// missing says that a server has no such call.
func missing(server, message string) string {
	if strings.Contains(message, "HTTP status 404") {
		return fmt.Sprintf("server %s is no Sepal server, or not at this address: %s", server, message)
	}
	return fmt.Sprintf("server %s does not know this call, and may be of another release: %s", server, message)
}

// placed puts the name of a feature, in place of its path in the request, before what is wrong
// with its value.
func placed(field, problem string) string {
	switch field {
	case "inputs":
		return "the row " + problem
	case "subject_id":
		return "--subject-id " + problem
	}
	// Nobody typed null: the cell was empty, or NA.
	if rest, null := strings.CutPrefix(problem, "is null,"); null {
		problem = "is missing," + rest
	}
	if rest, optional := strings.CutSuffix(problem, ", or null if missing"); optional {
		problem = rest + ", or NA if missing"
	}
	return strings.TrimPrefix(field, "inputs.") + " " + problem
}

var rowPath = regexp.MustCompile(`^rows\[\d+\]\.`)

// unplace takes out of an error where the row stood in its request, of which the reader of the
// output knows nothing. The error may be nil.
func unplace(e *predictionv1.RowError) {
	if e == nil {
		return
	}
	e.Message = rowPath.ReplaceAllString(e.GetMessage(), "")
	for _, v := range e.GetFieldViolations() {
		v.Field = rowPath.ReplaceAllString(v.GetField(), "")
	}
}

// reason says why a row of many could not be classified.
func reason(e *predictionv1.RowError) string {
	if len(e.GetFieldViolations()) == 0 {
		return e.GetMessage()
	}
	parts := make([]string, len(e.GetFieldViolations()))
	for i, v := range e.GetFieldViolations() {
		parts[i] = placed(v.GetField(), v.GetDescription())
	}
	return strings.Join(parts, "; ")
}
