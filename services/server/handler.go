package server

import (
	"fmt"
	"net/http"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"

	"github.com/sepal-ml/sepal/clients/console"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/gen/go/sepal/registry/v1/registryv1connect"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/rpc"
	"github.com/sepal-ml/sepal/services/server/internal/page"
	"github.com/sepal-ml/sepal/services/server/internal/predictionapi"
	"github.com/sepal-ml/sepal/services/server/internal/registryapi"
)

// newHandler returns everything that the port answers. What every RPC passes, and in which
// order, is said by package rpc.
func newHandler(o Options, models *registry.Registry, s *state) http.Handler {
	layers := rpc.HandlerOptions(rpc.Options{
		Logger:          o.Logger,
		MaxMessageBytes: o.MaxMessageBytes,
		Timeout:         o.RequestTimeout,
	})
	services := []string{
		predictionv1connect.PredictionServiceName,
		registryv1connect.RegistryServiceName,
	}
	// Reflection lists health too, as grpc-go's does.
	reflector := grpcreflect.NewStaticReflector(append(services, grpchealth.HealthV1ServiceName)...)

	mux := http.NewServeMux()
	mux.Handle(predictionv1connect.NewPredictionServiceHandler(predictionapi.New(models, s.String, o.MaxBatchRows), layers...))
	mux.Handle(registryv1connect.NewRegistryServiceHandler(registryapi.New(models), layers...))
	mux.Handle(grpchealth.NewHandler(grpcHealth{state: s, services: services}, layers...))
	mux.Handle(grpcreflect.NewHandlerV1(reflector, layers...))
	mux.Handle(grpcreflect.NewHandlerV1Alpha(reflector, layers...))
	mux.HandleFunc("GET /livez", livez)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("/", rest(page.Handler(console.FS()), noSuchRPC(layers)))

	return s.partFromClients(rpc.RequestID(crossOrigin(o.CORSOrigins, rpc.ContentType(mux))))
}

// rest tells who looks at pages from who calls an RPC that there is not.
func rest(pages, noSuchRPC http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			pages.ServeHTTP(w, r)
			return
		}
		noSuchRPC.ServeHTTP(w, r)
	})
}

// noSuchRPC answers what no handler takes with UNIMPLEMENTED, in the protocol of the request.
func noSuchRPC(layers []connect.HandlerOption) http.Handler {
	writer := connect.NewErrorWriter(layers...)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := connect.NewError(connect.CodeUnimplemented,
			fmt.Errorf("there is no RPC %s; an RPC is called as POST /sepal.prediction.v1.PredictionService/Predict, and reflection lists them all", r.URL.Path))
		// A client that has gone away is all that can go wrong here.
		_ = writer.Write(w, r, err)
	})
}
