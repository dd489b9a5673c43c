package testenv

import (
	"context"
	"net/http"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	monitoringv1 "github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1/monitoringv1connect"
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/doors"
	"github.com/sepal-ml/sepal/services/server"
)

// Protocol is one way to speak to a server.
type Protocol struct {
	Name    string
	http2   bool
	options []connect.ClientOption
}

// Protocols are all the ways that the contract is served.
func Protocols() []Protocol {
	return []Protocol{
		{Name: "connect_json", options: []connect.ClientOption{connect.WithProtoJSON()}},
		{Name: "connect_json_get", options: []connect.ClientOption{connect.WithProtoJSON(), connect.WithHTTPGet()}},
		{Name: "connect_json_http2", http2: true, options: []connect.ClientOption{connect.WithProtoJSON()}},
		{Name: "connect_proto"},
		{Name: "connect_proto_gzip", options: []connect.ClientOption{connect.WithSendGzip()}},
		{Name: "connect_proto_http2", http2: true},
		{Name: "grpc", http2: true, options: []connect.ClientOption{connect.WithGRPC()}},
		{Name: "grpc_json", http2: true, options: []connect.ClientOption{connect.WithGRPC(), connect.WithProtoJSON()}},
		{Name: "grpc_web", options: []connect.ClientOption{connect.WithGRPCWeb()}},
		{Name: "grpc_web_http2", http2: true, options: []connect.ClientOption{connect.WithGRPCWeb()}},
	}
}

// Way is a protocol, and the server of HTTP/2 that it comes to.
type Way struct {
	Protocol
	// Door is that server, as [server.Options].HTTP2 has it.
	Door string
}

// Ways are all protocols by the default server of HTTP/2, and by the other one those that need it.
func Ways() []Way {
	var ways []Way
	for _, p := range Protocols() {
		ways = append(ways, Way{p, doors.Native})
		if p.http2 {
			other := p
			other.Name += "_nethttp"
			ways = append(ways, Way{other, doors.NetHTTP})
		}
	}
	return ways
}

// Through returns options of a server whose HTTP/2 is served by the door.
func Through(o server.Options, door string) server.Options {
	o.HTTP2 = door
	return o
}

// Caller calls RPCs by their names, with Protobuf's JSON as the request.
type Caller struct {
	protocol Protocol
	http     *http.Client
	url      string
}

// Caller returns a caller of the server in that protocol.
func (e *Env) Caller(t testing.TB, p Protocol) *Caller {
	return &Caller{protocol: p, http: HTTPClient(t, p.http2), url: e.URL}
}

// CallerThrough returns a caller of the server at a URL that sends through an HTTP client of the
// version of HTTP that the protocol needs: one that speaks TLS, or says who calls.
func CallerThrough(client *http.Client, url string, p Protocol) *Caller {
	return &Caller{protocol: p, http: client, url: url}
}

// rpcs are the full names of the unary calls that a Caller knows.
var rpcs = map[string]func(*Caller, context.Context, string, []byte) (proto.Message, error){
	"sepal.prediction.v1.PredictionService/Health":         call[predictionv1.HealthRequest, predictionv1.HealthResponse],
	"sepal.prediction.v1.PredictionService/Predict":        call[predictionv1.PredictRequest, predictionv1.PredictResponse],
	"sepal.prediction.v1.PredictionService/BatchPredict":   call[predictionv1.BatchPredictRequest, predictionv1.BatchPredictResponse],
	"sepal.registry.v1.RegistryService/GetVersion":         call[registryv1.GetVersionRequest, registryv1.GetVersionResponse],
	"sepal.monitoring.v1.MonitoringService/GetDriftReport": call[monitoringv1.GetDriftReportRequest, monitoringv1.GetDriftReportResponse],
	"sepal.monitoring.v1.MonitoringService/GetActivity":    call[monitoringv1.GetActivityRequest, monitoringv1.GetActivityResponse],
}

// Monitoring returns a client of MonitoringService in that protocol.
func (e *Env) Monitoring(t testing.TB, p Protocol) monitoringv1connect.MonitoringServiceClient {
	return monitoringv1connect.NewMonitoringServiceClient(HTTPClient(t, p.http2), e.URL, p.options...)
}

// Call calls the RPC of that full name. It panics if there is no such RPC.
func (c *Caller) Call(ctx context.Context, rpc string, request []byte) (proto.Message, error) {
	f, ok := rpcs[rpc]
	if !ok {
		panic("testenv: no RPC " + rpc)
	}
	return f(c, ctx, rpc, request)
}

func call[Req, Res any](c *Caller, ctx context.Context, rpc string, request []byte) (proto.Message, error) {
	message := new(Req)
	if err := protojson.Unmarshal(request, any(message).(proto.Message)); err != nil {
		return nil, err
	}
	options := c.protocol.options
	if rpc != "sepal.prediction.v1.PredictionService/BatchPredict" {
		options = append(options[:len(options):len(options)], connect.WithIdempotency(connect.IdempotencyNoSideEffects))
	}
	client := connect.NewClient[Req, Res](c.http, c.url+"/"+rpc, options...)
	response, err := client.CallUnary(ctx, connect.NewRequest(message))
	if err != nil {
		return nil, err
	}
	return any(response.Msg).(proto.Message), nil
}
