package conformance

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/sepal-ml/sepal/services/internal/doors"
	"github.com/sepal-ml/sepal/services/internal/wire"
)

// What the product has where nobody sets it.
const (
	timeout    = 30 * time.Second
	maxStreams = 100
)

// Serve serves the connections of a listener by one of the doors, over TLS where there is a config, until ctx ends.
func Serve(ctx context.Context, inner net.Listener, door string, config *tls.Config, handler http.Handler) error {
	s, err := doors.New(doors.Options{
		HTTP2: door, Handler: handler, MaxStreams: maxStreams, WriteTimeout: timeout,
		ErrorLog: log.New(io.Discard, "", 0),
	})
	if err != nil {
		return err
	}
	defer s.Close()
	var listener net.Listener = wire.NewListener(inner)
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	defer context.AfterFunc(ctx, func() {
		_ = s.HTTP.Close() // who was served has gone
	})()
	if err := s.HTTP.Serve(listener); ctx.Err() == nil {
		return err
	}
	return nil
}
