package server

import (
	"fmt"
	"net/http"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sepal-ml/sepal/clients/console"
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
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
		MaxRows:         o.MaxBatchRows,
		Timeout:         o.RequestTimeout,
	})
	services := []string{
		predictionv1connect.PredictionServiceName,
		registryv1connect.RegistryServiceName,
	}
	// Reflection lists health too, as grpc-go's does.
	reflector := grpcreflect.NewStaticReflector(append(services, grpchealth.HealthV1ServiceName)...)

	mux := http.NewServeMux()
	_, prediction := predictionv1connect.NewPredictionServiceHandler(predictionapi.New(models, s.String, o.MaxBatchRows), layers...)
	handleMethods(mux, predictionv1.File_sepal_prediction_v1_prediction_service_proto, prediction)
	_, versions := registryv1connect.NewRegistryServiceHandler(registryapi.New(models), layers...)
	handleMethods(mux, registryv1.File_sepal_registry_v1_registry_service_proto, versions)
	mux.Handle(grpchealth.NewHandler(grpcHealth{state: s, services: services}, layers...))
	mux.Handle(grpcreflect.NewHandlerV1(reflector, layers...))
	mux.Handle(grpcreflect.NewHandlerV1Alpha(reflector, layers...))
	mux.HandleFunc("GET /livez", livez)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("/", rest(page.Handler(console.FS()), noSuchRPC(layers)))

	return s.partFromClients(rpc.RequestID(crossOrigin(o.CORSOrigins, rpc.Unheard(o.Logger, rpc.BodyDeadline(o.RequestTimeout, mux)))))
}

// handleMethods routes each method of the file's services to the handler, so that a method that
// there is not is answered like a service that there is not.
func handleMethods(mux *http.ServeMux, file protoreflect.FileDescriptor, handler http.Handler) {
	for i := range file.Services().Len() {
		service := file.Services().Get(i)
		for j := range service.Methods().Len() {
			mux.Handle(fmt.Sprintf("/%s/%s", service.FullName(), service.Methods().Get(j).Name()), handler)
		}
	}
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
