package conformance

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/sepal-ml/sepal/services/internal/h2"
	"github.com/sepal-ml/sepal/services/internal/rpc"
	"github.com/sepal-ml/sepal/services/internal/wire"
)

// Door is who serves HTTP/2, as HTTP2 of the server's options calls it.
type Door string

const (
	// Native is Sepal's own server of HTTP/2, package h2.
	Native Door = "native"
	// NetHTTP is that of package net/http.
	NetHTTP Door = "nethttp"
)

// Doors are all of them.
func Doors() []Door { return []Door{Native, NetHTTP} }

// What the product has where nobody sets it; see doors of package server.
const (
	timeout           = 30 * time.Second
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
	maxFrameBytes     = 64 << 10
	maxStreams        = 100
	pingAfter         = time.Minute
	pingTimeout       = 20 * time.Second
)

// server is the doors of the product; see newDoors of package server.
type server struct {
	http  *http.Server
	close func() // is due when no request is served any more
}

// Serve serves the connections of a listener, over TLS where there is a config, until ctx ends.
func Serve(ctx context.Context, inner net.Listener, door Door, config *tls.Config, handler http.Handler) error {
	s, err := newServer(door, handler)
	if err != nil {
		return err
	}
	defer s.close()
	var listener net.Listener = wire.NewListener(inner)
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	defer context.AfterFunc(ctx, func() {
		_ = s.http.Close() // who was served has gone
	})()
	if err := s.http.Serve(listener); ctx.Err() == nil {
		return err
	}
	return nil
}

func newServer(door Door, handler http.Handler) (*server, error) {
	s := &server{http: &http.Server{
		Handler:           handler,
		Protocols:         new(http.Protocols),
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          log.New(io.Discard, "", 0),
	}}
	s.http.Protocols.SetHTTP1(true)
	s.http.Protocols.SetHTTP2(true)
	s.http.Protocols.SetUnencryptedHTTP2(true)
	switch door {
	case Native:
		s.native()
	case NetHTTP:
		s.ofNetHTTP()
	default:
		return nil, fmt.Errorf("there is no door %q, expected one of %q", door, Doors())
	}
	return s, nil
}

func (s *server) native() {
	own := h2.New(h2.Config{
		MaxStreams:     maxStreams,
		MaxHeaderBytes: maxHeaderBytes,
		HeaderTimeout:  readHeaderTimeout,
		IdleTimeout:    idleTimeout,
		PingAfter:      pingAfter,
		PingTimeout:    pingTimeout,
		WriteTimeout:   timeout,
		ErrorLog:       s.http.ErrorLog,
	})
	own.Attach(s.http)
	s.close = own.Close
}

func (s *server) ofNetHTTP() {
	s.http.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams: maxStreams,
		MaxReadFrameSize:     maxFrameBytes,
		WriteByteTimeout:     timeout,
		SendPingTimeout:      pingAfter,
		PingTimeout:          pingTimeout,
	}
	grown := rpc.NewGrown(s.http.Handler)
	s.http.Handler = grown
	s.close = grown.Close
}
