package conformance

import (
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"

	"connectrpc.com/connect"
	"github.com/rs/zerolog"

	"github.com/sepal-ml/sepal/services/internal/certs"
	conformancev1 "github.com/sepal-ml/sepal/services/internal/conformance/gen/connectrpc/conformance/v1"
	"github.com/sepal-ml/sepal/services/internal/conformance/gen/connectrpc/conformance/v1/conformancev1connect"
	"github.com/sepal-ml/sepal/services/internal/metrics"
	"github.com/sepal-ml/sepal/services/internal/rpc"
)

// newHandler returns the suite's service within the layers of package rpc, but for those that know
// Sepal's own services, or callers by name. limit is the size of the largest message, 0 for the
// usual one.
func newHandler(limit int) http.Handler {
	const usual, rows = 4 << 20, 10_000
	if limit == 0 {
		limit = usual
	}
	logger := zerolog.Nop() // the suite's faults are many
	mux := http.NewServeMux()
	mux.Handle(conformancev1connect.NewConformanceServiceHandler(service{},
		connect.WithInterceptors(ordered{}),
		connect.WithHandlerOptions(rpc.HandlerOptions(rpc.Options{Logger: logger, MaxMessageBytes: limit, MaxRows: rows, Timeout: timeout})...)))
	measures := metrics.New([]metrics.Procedure{
		{Path: conformancev1connect.ConformanceServiceUnaryProcedure},
		{Path: conformancev1connect.ConformanceServiceIdempotentUnaryProcedure},
		{Path: conformancev1connect.ConformanceServiceUnimplementedProcedure},
		{Path: conformancev1connect.ConformanceServiceClientStreamProcedure, Streams: true},
		{Path: conformancev1connect.ConformanceServiceServerStreamProcedure, Streams: true},
		{Path: conformancev1connect.ConformanceServiceBidiStreamProcedure, Streams: true},
	})
	next := rpc.Moderate(func(*http.Request) int64 { return int64(limit) }, mux)
	next = rpc.Gather(conformancev1connect.ConformanceServiceBidiStreamProcedure, next)
	return rpc.RequestID(rpc.Measured(measures.Requests, rpc.Unheard(logger, nil, rpc.Timely(timeout, next))))
}

// security returns TLS with what the suite brings along. Package certs reads files.
func security(wanted *conformancev1.ServerCompatRequest) (*tls.Config, error) {
	folder, err := os.MkdirTemp("", "sepal-conformance-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // it is a temporary folder
	o := certs.Options{Cert: filepath.Join(folder, "tls.crt"), Key: filepath.Join(folder, "tls.key"), Logger: zerolog.Nop()}
	files := map[string][]byte{o.Cert: wanted.GetServerCreds().GetCert(), o.Key: wanted.GetServerCreds().GetKey()}
	if authority := wanted.GetClientTlsCert(); len(authority) > 0 {
		o.ClientCA = filepath.Join(folder, "ca.crt")
		files[o.ClientCA] = authority
	}
	for path, data := range files {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return nil, err
		}
	}
	store, err := certs.Open(o)
	if err != nil {
		return nil, err
	}
	return store.Config(), nil
}
