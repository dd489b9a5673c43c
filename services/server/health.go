package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync/atomic"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
)

type phase int32

const (
	loading phase = iota
	serving
	draining
)

// state is whether the server is ready: what all health surfaces show.
type state struct {
	phase atomic.Int32
}

func (s *state) set(p phase) { s.phase.Store(int32(p)) }

func (s *state) ready() bool { return phase(s.phase.Load()) == serving }

// String returns the status as HealthResponse has it.
func (s *state) String() string {
	switch phase(s.phase.Load()) {
	case serving:
		return "ok"
	case draining:
		return "draining"
	default:
		return "loading"
	}
}

// grpcHealth answers grpc.health.v1 for the process ("") and for each service.
type grpcHealth struct {
	state    *state
	services []string
}

func (h grpcHealth) Check(_ context.Context, request *grpchealth.CheckRequest) (*grpchealth.CheckResponse, error) {
	if request.Service != "" && !slices.Contains(h.services, request.Service) {
		return nil, connect.NewError(connect.CodeNotFound, fmt.Errorf("there is no service %.80q; reflection lists those that there are", request.Service))
	}
	status := grpchealth.StatusNotServing
	if h.state.ready() {
		status = grpchealth.StatusServing
	}
	return &grpchealth.CheckResponse{Status: status}, nil
}

// livez answers as long as the process can answer at all.
func livez(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") }

// readyz answers 200 while requests are welcome and 503 otherwise.
func (s *state) readyz(w http.ResponseWriter, _ *http.Request) {
	status := http.StatusOK
	if !s.ready() {
		status = http.StatusServiceUnavailable
	}
	writeText(w, status, s.String()+"\n")
}

// partFromClients asks HTTP/1.1 clients, while draining, to use their connection no further. A
// connection that is closed under a client that is about to use it loses a request; HTTP/2 has
// GOAWAY against that, HTTP/1.1 only this.
func (s *state) partFromClients(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 && phase(s.phase.Load()) == draining {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// A client that has gone away is all that can go wrong here.
	_, _ = io.WriteString(w, text)
}
