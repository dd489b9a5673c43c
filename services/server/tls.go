package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/rs/zerolog"

	"github.com/sepal-ml/sepal/services/internal/certs"
)

// security is TLS, or none where its store is nil.
type security struct {
	store *certs.Store
	stop  context.CancelFunc
	done  sync.WaitGroup
}

// newSecurity reads the certificates that the options name.
func newSecurity(o Options) (*security, error) {
	if o.TLSCert == "" && o.TLSKey == "" {
		if o.TLSClientCA != "" {
			return nil, fmt.Errorf("%s: authorities of clients without TLS; name a certificate and its key too (SEPAL_TLS_CERT, SEPAL_TLS_KEY)", o.TLSClientCA)
		}
		return &security{}, nil
	}
	earliest, err := tlsVersion(o.TLSMinVersion)
	if err != nil {
		return nil, err
	}
	store, err := certs.Open(certs.Options{
		Cert: o.TLSCert, Key: o.TLSKey, ClientCA: o.TLSClientCA, MinVersion: earliest, Logger: o.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return &security{store: store}, nil
}

func tlsVersion(name string) (uint16, error) {
	switch name {
	case "", "1.3":
		return tls.VersionTLS13, nil
	case "1.2":
		return tls.VersionTLS12, nil
	}
	return 0, fmt.Errorf("the earliest version of TLS is %q, expected 1.2 or 1.3 (SEPAL_TLS_MIN_VERSION)", name)
}

func (s *security) on() bool { return s.store != nil }

// over returns the listener whose connections speak TLS, if it is on, and follows the files.
func (s *security) over(inner net.Listener) net.Listener {
	if !s.on() {
		return inner
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.done.Go(func() { s.store.Follow(ctx) })
	return tls.NewListener(inner, s.store.Config())
}

// end ends what over began.
func (s *security) end() {
	if s.stop != nil {
		s.stop()
		s.done.Wait()
	}
}

// faultsOfClients are how lines of net/http begin that tell of such.
var faultsOfClients = []string{
	"http: TLS handshake error",
	"http2: server: error reading preface",
	"http2: server connection error",
	"http2: server closing client connection",
	"http2: received GOAWAY",
	"timeout waiting for SETTINGS frames",
	"timeout waiting for PING response",
}

// httpLog takes what net/http has to say. What clients do wrong before they are served is for who
// looks for it: anybody can make a server say so, as often as they like.
type httpLog struct{ logger zerolog.Logger }

func (l httpLog) Write(p []byte) (int, error) {
	text := strings.TrimSuffix(string(p), "\n")
	level := zerolog.NoLevel
	if slices.ContainsFunc(faultsOfClients, func(start string) bool { return strings.HasPrefix(text, start) }) {
		level = zerolog.DebugLevel
	}
	l.logger.WithLevel(level).Str("from", "net/http").Msg(text)
	return len(p), nil
}
