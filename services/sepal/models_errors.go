package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"connectrpc.com/connect"
	"github.com/rs/zerolog"

	sepal "github.com/sepal-ml/sepal/clients/go"
	"github.com/sepal-ml/sepal/services/internal/rollout"
)

// failed says why a call to the registry failed. Errors of other kinds pass.
func (r *registryClient) failed(err error) error {
	var e *sepal.Error
	var said *callError
	if err == nil || errors.As(err, &said) || !errors.As(err, &e) {
		return err
	}
	text := r.why(e)
	if r.server == "" {
		text = strings.ReplaceAll(text, "MODEL_PATH", "--registry")
	}
	return &callError{text: text, err: err}
}

func (r *registryClient) why(e *sepal.Error) string {
	if text, ok := turnedAway(r.server, e); ok {
		return text
	}
	switch e.Code {
	case connect.CodeInvalidArgument:
		if len(e.Violations) == 0 {
			return e.Message
		}
		parts := make([]string, len(e.Violations))
		for i, v := range e.Violations {
			parts[i] = named(strings.TrimPrefix(v.Field, "rollout.")) + " " + v.Description
		}
		return strings.Join(parts, "; ")
	case connect.CodeFailedPrecondition:
		if strings.HasPrefix(e.Message, rollout.ErrStale.Error()) {
			text, _ := strings.CutSuffix(e.Message, "; read it again and repeat the change")
			return text + "; run this again"
		}
		return e.Message
	case connect.CodeNotFound, connect.CodeAlreadyExists:
		return e.Message
	case connect.CodeUnavailable:
		if r.server == "" {
			return e.Message // of the store
		}
		if !connect.IsWireError(e) {
			return unreachable(r.server, e.Message)
		}
	case connect.CodeUnimplemented:
		return missing(r.server, e.Message)
	case connect.CodeInternal:
		if text := r.log.text(); text != "" {
			return text
		}
	default:
	}
	text := fmt.Sprintf("%v: %s", e.Code, e.Message)
	if r.server != "" {
		text = "server " + r.server + ": " + text
	}
	return text
}

var (
	variantPath = regexp.MustCompile(`^variants\[\d+\]\.(name|version|weight)$`)
	shadowPath  = regexp.MustCompile(`^shadows\[\d+\]$`)
	labelPath   = regexp.MustCompile(`^labels\[(.*)\]$`)
)

// named returns what a path in a rollout is in the words of the command line.
func named(path string) string {
	switch {
	case path == "stable":
		return "the stable version"
	case shadowPath.MatchString(path):
		return "a shadow"
	case variantPath.MatchString(path):
		return variantPath.ReplaceAllString(path, "the $1 of a variant")
	default:
		return labelPath.ReplaceAllString(path, "label $1")
	}
}

// lastError is the log of a server in this process: what it tells nobody else is why a call failed
// for a reason that is not the caller's. It keeps the last of them.
type lastError struct {
	mu   sync.Mutex
	last string
}

func (l *lastError) logger() zerolog.Logger { return zerolog.New(l).Level(zerolog.ErrorLevel) }

// Write takes a line of the log.
func (l *lastError) Write(line []byte) (int, error) {
	var event struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(line, &event); err == nil && event.Error != "" {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.last = event.Error
	}
	return len(line), nil
}

func (l *lastError) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}
