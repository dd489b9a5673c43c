package server

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sepal-ml/sepal/clients/console"
	monitoringv1 "github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1/monitoringv1connect"
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/registry/v1/registryv1connect"
	"github.com/sepal-ml/sepal/services/internal/crash"
	"github.com/sepal-ml/sepal/services/internal/h2"
	"github.com/sepal-ml/sepal/services/internal/metrics"
	"github.com/sepal-ml/sepal/services/internal/monitor"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/rpc"
	"github.com/sepal-ml/sepal/services/server/internal/monitoringapi"
	"github.com/sepal-ml/sepal/services/server/internal/page"
	"github.com/sepal-ml/sepal/services/server/internal/predictionapi"
)

// newHandler returns everything that the port answers; stopping ends when the server stops. What
// every RPC passes, and in which order, is said by package rpc.
func newHandler(stopping context.Context, o Options, models *registry.Live, s *state) (http.Handler, h2.Short) {
	layers := layers(stopping, o)
	services := []string{
		predictionv1connect.PredictionServiceName,
		registryv1connect.RegistryServiceName,
		monitoringv1connect.MonitoringServiceName,
	}
	// Reflection lists health too, as grpc-go's does.
	reflector := grpcreflect.NewStaticReflector(append(services, grpchealth.HealthV1ServiceName)...)

	counts := newMonitor(o, models)
	measures := metrics.New(counted(procedures(), counts.Requests()))
	measures.Panicked = func(p *crash.PanicError) { p.Tell(&o.Logger, o.telemetry.crashes, "gathering metrics") }
	measures.Watch(models, o.loads, counts, s.ready)
	o.admission = newAdmission(o, measures)
	measures.WatchConnections(o.gate.open.Load, o.gate.turnedAway.Load)

	mux := http.NewServeMux()
	predictions := predictionapi.New(models, s.String, o.MaxBatchRows)
	if !o.Unmonitored {
		predictions.Monitor = counts
		predictions.Unsure = predictionapi.NewUnsureLog(o.Logger, o.LogFeatures)
	}
	if o.telemetry.listens() {
		predictions.Assigned = rpc.Assigned
	}
	_, prediction := predictionv1connect.NewPredictionServiceHandler(predictions, layers...)
	handleRegistry(mux, models, layers, o.access)
	mux.Handle(monitoringv1connect.NewMonitoringServiceHandler(monitoringapi.New(models, counts), layers...))
	mux.Handle(grpchealth.NewHandler(grpcHealth{state: s, services: services}, layers...))
	mux.Handle(grpcreflect.NewHandlerV1(reflector, layers...))
	mux.Handle(grpcreflect.NewHandlerV1Alpha(reflector, layers...))
	mux.HandleFunc("GET /livez", livez)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET "+metricsPath, measures.Handler())
	mux.Handle("/", rest(page.Handler(console.FS()), noSuchRPC(layers)))

	calls := first(predictionv1.File_sepal_prediction_v1_prediction_service_proto, prediction, mux)
	handler := sized(s.partFromClients(layered(o, measures, rpc.Moderate(o.largestMessage, calls))))
	return handler, shortcut(o, measures, predictions)
}

// layered puts the layers of package rpc that are none of Connect's around the handler.
func layered(o Options, measures *metrics.Metrics, next http.Handler) http.Handler {
	next = orderly(o.admission.Door(guarded(o, rpc.Gather(predictionv1connect.PredictionServicePredictStreamProcedure, next))))
	calls := rpc.Unheard(o.Logger, o.telemetry.crashes, rpc.Timely(o.RequestTimeout, next))
	if !o.Unmonitored {
		calls = rpc.Measured(measures.Requests, rpc.Traced(o.telemetry.tracer, calls))
	}
	return rpc.RequestID(crossOrigin(o.CORSOrigins, calls))
}

// layers are the options of package rpc for every handler of Connect.
func layers(stopping context.Context, o Options) []connect.HandlerOption {
	return rpc.HandlerOptions(rpcOptions(stopping, o))
}

func rpcOptions(stopping context.Context, o Options) rpc.Options {
	return rpc.Options{
		Logger:          o.Logger,
		LogSampleRate:   o.LogSampleRate,
		MaxMessageBytes: o.MaxMessageBytes,
		MaxRows:         o.MaxBatchRows,
		Processors:      o.processors(),
		Timeout:         o.RequestTimeout,
		Tracer:          o.telemetry.tracer,
		Crashes:         o.telemetry.crashes,
		Stopping:        stopping,
	}
}

// files are the contract, of which every service is served.
func files() []protoreflect.FileDescriptor {
	return []protoreflect.FileDescriptor{
		predictionv1.File_sepal_prediction_v1_prediction_service_proto,
		registryv1.File_sepal_registry_v1_registry_service_proto,
		monitoringv1.File_sepal_monitoring_v1_monitoring_service_proto,
	}
}

// procedures are all RPCs that the port answers.
func procedures() []metrics.Procedure {
	list := []metrics.Procedure{
		{Path: "/" + grpchealth.HealthV1ServiceName + "/Check"},
		{Path: "/" + grpchealth.HealthV1ServiceName + "/Watch", Streams: true},
		{Path: "/" + grpcreflect.ReflectV1ServiceName + "/ServerReflectionInfo", Streams: true},
		{Path: "/" + grpcreflect.ReflectV1AlphaServiceName + "/ServerReflectionInfo", Streams: true},
	}
	for _, file := range files() {
		eachMethod(file, func(path string, method protoreflect.MethodDescriptor) {
			list = append(list, metrics.Procedure{Path: path, Streams: method.IsStreamingClient() || method.IsStreamingServer()})
		})
	}
	return list
}

// counted returns the RPCs, of which those of PredictionService are counted by steps of time too.
func counted(all []metrics.Procedure, activity *monitor.Requests) []metrics.Procedure {
	for i := range all {
		if strings.HasPrefix(all[i].Path, "/"+predictionv1connect.PredictionServiceName+"/") {
			all[i].Activity = activity
		}
	}
	return all
}

// eachMethod calls f with each method of the file's services and the path of its URL.
func eachMethod(file protoreflect.FileDescriptor, f func(path string, method protoreflect.MethodDescriptor)) {
	for i := range file.Services().Len() {
		service := file.Services().Get(i)
		for j := range service.Methods().Len() {
			method := service.Methods().Get(j)
			f(fmt.Sprintf("/%s/%s", service.FullName(), method.Name()), method)
		}
	}
}

// first routes each method of the file's services to the handler, and all else to next: a method
// that there is not is answered like a service that there is not. It spares most requests the
// patterns of a mux.
func first(file protoreflect.FileDescriptor, handler, next http.Handler) http.Handler {
	methods := make(map[string]struct{})
	eachMethod(file, func(path string, _ protoreflect.MethodDescriptor) { methods[path] = struct{}{} })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ours := methods[r.URL.Path]; ours {
			handler.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
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
