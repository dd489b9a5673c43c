// Package server is the online service: every protocol of the contract, health, reflection and
// the web page on one port.
//
// [New] loads and checks the models, [Server.Start] opens the port, [Server.Drain] and
// [Server.Stop] close it without losing a request. A server has no state between requests; any
// number of them may run in one process.
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/sepal-ml/sepal/services/internal/doors"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/wire"
)

// Server serves the models of one registry. Make one with [New].
type Server struct {
	options Options
	models  *registry.Live
	follow  follower
	state   *state
	fresh   *fresh
	doors   *doors.Doors
	tls     *security

	mu       sync.Mutex
	listener *wire.Listener
	failed   chan error
}

// New loads the models and checks them, for as long as ctx lasts; it opens no port and logs
// nothing. The error is one line that says what is wrong, where, and what to do.
func New(ctx context.Context, o Options) (*Server, error) {
	tls, err := newSecurity(o)
	if err != nil {
		return nil, err
	}
	o.sockets = &sockets{}
	o.gate = &gate{logger: o.Logger, secure: tls.on(), most: o.connections()}
	models, err := openModels(ctx, &o)
	if err != nil {
		return nil, err
	}
	o.telemetry = newTelemetry(o)
	if o.access, err = newAccess(ctx, o); err != nil {
		return nil, err
	}
	s := &Server{options: o, models: models, state: &state{}, fresh: &fresh{}, tls: tls, failed: make(chan error, 1)}
	stopping, stop := context.WithCancel(context.Background())
	handler, short := newHandler(stopping, o, models, s.state)
	s.doors, err = doors.New(doors.Options{
		HTTP2:        cmp.Or(o.HTTP2, doors.Native),
		Handler:      handler,
		Short:        short,
		MaxStreams:   o.MaxStreams,
		WriteTimeout: o.RequestTimeout,
		ConnState:    s.fresh.track,
		ConnContext:  connContext,
		ErrorLog:     log.New(httpLog{o.Logger}, "", 0),
	})
	if err != nil {
		stop()
		return nil, err
	}
	s.doors.HTTP.RegisterOnShutdown(stop)
	return s, nil
}

// Start opens the port and serves in the background. A second call does nothing. An error of
// the listener later on arrives on Failed.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		return nil
	}
	address := net.JoinHostPort(s.options.Host, strconv.Itoa(int(s.options.Port)))
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return notOpened(err)
	}
	s.serve(listener)
	return nil
}

// notOpened says what to do about a port that could not be opened.
func notOpened(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w; set PORT to one that this user may open, which are those from 1024 on most machines", err)
	}
	return fmt.Errorf("%w; set HOST and PORT to an address that is free here", err)
}

// StartOn is Start on a listener of the caller's, which the server closes.
func (s *Server) StartOn(listener net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		s.serve(listener)
	}
}

func (s *Server) serve(inner net.Listener) {
	listener := wire.NewListener(s.options.sockets.over(inner))
	s.listener = listener
	s.state.set(serving)
	s.options.telemetry.start()
	logModels(&s.options.Logger, s.models.Current())
	serves := s.options.Logger.Info().Str("address", listener.Addr().String()).Bool("tls", s.tls.on())
	if v := s.models.Current().Default(); v != nil {
		serves = serves.Str("model", v.Model).Str("model_version", v.Version)
	}
	serves.Msg("serving")
	warnOfOpen(&s.options, listener.Addr())
	s.follow.start(s.models, s.options)
	connections := s.tls.over(s.options.gate.over(listener))
	go func() {
		// Once the server drains, Stop closes the listener.
		if err := s.doors.HTTP.Serve(connections); s.state.ready() {
			s.failed <- err
		}
	}()
}

// Addr returns the address that the server listens on, or nil before it was started.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// Failed carries the error that ended serving, if one does before Stop.
func (s *Server) Failed() <-chan error { return s.failed }

// Drain turns every health surface to not ready and keeps serving for the drain delay, or until
// ctx ends. Stop is due next.
func (s *Server) Drain(ctx context.Context) {
	s.state.set(draining)
	s.options.Logger.Info().Dur("delay_ms", s.options.DrainDelay).Msg("draining")
	select {
	case <-time.After(s.options.DrainDelay):
	case <-ctx.Done():
	}
}

// Stop stops accepting, tells HTTP/2 clients to go away, ends the streams that wait for a client's
// next message with UNAVAILABLE, and waits for the requests in flight, for at most the stop timeout
// or until ctx ends; then it cuts them off and returns an error that says so. Traces and crash
// reports that wait are sent in what is left of that time, or in half a second where nothing is.
// A second call, or one of a server that was not started, does nothing.
func (s *Server) Stop(ctx context.Context) error {
	s.state.set(draining)
	if !s.close() {
		return nil
	}
	defer s.follow.end()
	defer s.tls.end()
	defer s.doors.Close()
	defer s.options.access.close()
	ctx, cancel := context.WithTimeout(ctx, s.options.StopTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, s.listener.Cut)()
	s.fresh.wait(ctx)
	s.fresh.close()
	if err := s.doors.HTTP.Shutdown(ctx); err != nil && ctx.Err() != nil {
		err = fmt.Errorf("requests were cut off when stopping: %w", err)
		return errors.Join(err, s.doors.HTTP.Close(), s.options.telemetry.stop(ctx))
	}
	if err := s.options.telemetry.stop(ctx); err != nil {
		s.options.Logger.Warn().Err(err).Msg("traces or crash reports were lost")
	}
	s.options.Logger.Info().Msg("stopped")
	return nil
}

// close closes the listener and reports whether it was open.
func (s *Server) close() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listener != nil && s.listener.Close() == nil
}
