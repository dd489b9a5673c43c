package server_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/doors"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

const predictMethod = "/sepal.prediction.v1.PredictionService/Predict"

// dialGRPC connects with grpc-go itself, which shares no code with the server.
func dialGRPC(t *testing.T, env *testenv.Env) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(env.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestGRPCGoPredicts(t *testing.T) {
	t.Parallel()
	conn := dialGRPC(t, testenv.Start(t, testenv.Options()))
	response := new(predictionv1.PredictResponse)
	request := &predictionv1.PredictRequest{Features: []float64{6.5, 3.0, 5.8, 2.2}}
	if err := conn.Invoke(t.Context(), predictMethod, request, response); err != nil {
		t.Fatal(err)
	}
	if response.GetPrediction() != "virginica" {
		t.Errorf("got %v", response)
	}
}

func TestGRPCGoReadsErrorDetails(t *testing.T) {
	t.Parallel()
	for _, door := range doors.Names() {
		conn := dialGRPC(t, testenv.Start(t, testenv.Through(testenv.Options(), door)))
		err := conn.Invoke(t.Context(), predictMethod, &predictionv1.PredictRequest{Features: []float64{1}}, new(predictionv1.PredictResponse))
		s, _ := status.FromError(err)
		if s.Code() != codes.InvalidArgument || len(s.Details()) != 1 {
			t.Fatalf("%s: got %v with details %v", door, err, s.Details())
		}
		bad, ok := s.Details()[0].(*errdetails.BadRequest)
		if !ok || bad.GetFieldViolations()[0].GetField() != "features" {
			t.Errorf("%s: got %v", door, s.Details()[0])
		}
	}
}

func TestGRPCGoUnknownService(t *testing.T) {
	t.Parallel()
	conn := dialGRPC(t, testenv.Start(t, testenv.Options()))
	for _, method := range []string{"/sepal.oracle.v1.OracleService/Divine", "/sepal.prediction.v1.PredictionService/Divine"} {
		err := conn.Invoke(t.Context(), method, &predictionv1.PredictRequest{}, new(predictionv1.PredictResponse))
		if status.Code(err) != codes.Unimplemented {
			t.Errorf("%s: got %v", method, err)
		}
	}
}

func TestGRPCHealth(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	client := healthpb.NewHealthClient(dialGRPC(t, env))
	for _, service := range []string{"", "sepal.prediction.v1.PredictionService", "sepal.registry.v1.RegistryService"} {
		response, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
		if err != nil || response.GetStatus() != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("%q: got %v, %v", service, response, err)
		}
	}
	if _, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: "sepal.oracle.v1.OracleService"}); status.Code(err) != codes.NotFound {
		t.Errorf("unknown service: got %v", err)
	}
}

// TestReflection asks what grpcurl and `buf curl` ask: which services there are, and the file
// that describes one.
func TestReflection(t *testing.T) {
	t.Parallel()
	for _, door := range doors.Names() {
		t.Run(door, func(t *testing.T) {
			t.Parallel()
			requireReflection(t, dialGRPC(t, testenv.Start(t, testenv.Through(testenv.Options(), door))))
		})
	}
}

func requireReflection(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	v1, err := reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	requests := []*reflectionv1.ServerReflectionRequest{
		{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}},
		{MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: "sepal.prediction.v1.PredictionService"}},
	}
	for _, request := range requests {
		if err := v1.Send(request); err != nil {
			t.Fatal(err)
		}
	}
	listed, err := v1.Recv()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, service := range listed.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "grpc.health.v1.Health sepal.monitoring.v1.MonitoringService sepal.prediction.v1.PredictionService sepal.registry.v1.RegistryService" {
		t.Errorf("services: %s", got)
	}
	described, err := v1.Recv()
	if err != nil {
		t.Fatal(err)
	}
	file := new(descriptorpb.FileDescriptorProto)
	if err := proto.Unmarshal(described.GetFileDescriptorResponse().GetFileDescriptorProto()[0], file); err != nil {
		t.Fatal(err)
	}
	if file.GetPackage() != "sepal.prediction.v1" {
		t.Errorf("described %s", file.GetPackage())
	}

	alpha, err := reflectionv1alpha.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := alpha.Send(&reflectionv1alpha.ServerReflectionRequest{MessageRequest: &reflectionv1alpha.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	old, err := alpha.Recv()
	if err != nil || len(old.GetListServicesResponse().GetService()) != len(names) {
		t.Errorf("v1alpha: got %v, %v", old, err)
	}
}
