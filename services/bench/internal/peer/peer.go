// Package peer holds the servers that Sepal is compared with, as small as they can be: what each
// of them costs is the cost of its transport, and for two of them that of one and the same
// prediction. None has limits, metrics, a log or any other layer.
package peer

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/internal/wire"
)

// The kinds of peers.
const (
	// GRPC is grpc-go's server, which predicts as Sepal does.
	GRPC = "grpc-go"
	// Connect is a handler of Connect that answers Predict with a constant, on net/http.
	Connect = "connect"
	// Wired is Connect on the listener that Sepal has, see package wire.
	Wired = "connect-wired"
	// HTTP is a handler of net/http that answers with constant JSON.
	HTTP = "net-http"
)

// Kinds are all kinds.
func Kinds() []string { return []string{GRPC, Connect, Wired, HTTP} }

// Serve serves a peer of the kind on a free port of the loopback interface until ctx ends, and
// tells its address.
func Serve(ctx context.Context, kind string, tell func(address string)) error {
	model, err := loadIris(ctx)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	tell(listener.Addr().String())
	switch kind {
	case GRPC:
		return serveGRPC(ctx, listener, model)
	case Connect, Wired:
		handler, err := constantConnect(model)
		if err != nil {
			return err
		}
		if kind == Wired {
			listener = wire.NewListener(listener)
		}
		return serveHTTP(ctx, listener, handler)
	case HTTP:
		handler, err := constantJSON(model)
		if err != nil {
			return err
		}
		return serveHTTP(ctx, listener, handler)
	}
	return fmt.Errorf("there is no peer %q, expected one of %s", kind, strings.Join(Kinds(), ", "))
}

// readHeaderTimeout is Sepal's; it costs nothing.
const readHeaderTimeout = 10 * time.Second

func serveHTTP(ctx context.Context, listener net.Listener, handler http.Handler) error {
	s := &http.Server{Handler: handler, Protocols: new(http.Protocols), ReadHeaderTimeout: readHeaderTimeout}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	if err := s.Serve(listener); ctx.Err() == nil {
		return err
	}
	return nil
}

// constantConnect returns Connect's handler with the options that it has of itself, whose Predict
// answers with a constant: the prediction for one row.
func constantConnect(model *iris) (http.Handler, error) {
	answer, err := model.answer()
	if err != nil {
		return nil, err
	}
	_, handler := predictionv1connect.NewPredictionServiceHandler(constant{answer: answer})
	return handler, nil
}
