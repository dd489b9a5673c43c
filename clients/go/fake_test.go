package sepal

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/registry/v1/registryv1connect"
)

// fakeService classifies rows of one feature, a length in cm: "long" from 2 cm on.
type fakeService struct {
	// fail decides what becomes of the n-th call (from 1) of any method; nil lets all pass.
	fail  func(ctx context.Context, n int) error
	calls atomic.Int64
}

var (
	_ predictionv1connect.PredictionServiceHandler = (*fakeService)(nil)
	_ registryv1connect.RegistryServiceHandler     = (*fakeService)(nil)
)

func (s *fakeService) admit(ctx context.Context) error {
	n := int(s.calls.Add(1))
	if s.fail == nil {
		return nil
	}
	return s.fail(ctx, n)
}

func (s *fakeService) Health(
	ctx context.Context, _ *predictionv1.HealthRequest,
) (*predictionv1.HealthResponse, error) {
	if err := s.admit(ctx); err != nil {
		return nil, err
	}
	return &predictionv1.HealthResponse{Status: "ok", Model: "length", ModelVersion: "v1.0.0"}, nil
}

func (s *fakeService) Predict(
	ctx context.Context, req *predictionv1.PredictRequest,
) (*predictionv1.PredictResponse, error) {
	if err := s.admit(ctx); err != nil {
		return nil, err
	}
	row := req.GetFeatures()
	if req.GetInputs() != nil {
		row = []float64{req.GetInputs().GetFields()["length_cm"].GetNumberValue()}
	}
	return classify("", row)
}

func (s *fakeService) BatchPredict(
	ctx context.Context, req *predictionv1.BatchPredictRequest,
) (*predictionv1.BatchPredictResponse, error) {
	if err := s.admit(ctx); err != nil {
		return nil, err
	}
	res := &predictionv1.BatchPredictResponse{}
	for i, row := range req.GetRows() {
		result := &predictionv1.RowResult{}
		answer, err := classify(fmt.Sprintf("rows[%d].", i), row.GetFeatures())
		if err != nil {
			rowError := &predictionv1.RowError{Code: connect.CodeOf(err).String(), Message: err.Error()}
			if refused := new(connect.Error); errors.As(err, &refused) {
				rowError.Message = refused.Message()
			}
			result.Result = &predictionv1.RowResult_Error{Error: rowError}
		} else {
			result.Result = &predictionv1.RowResult_Response{Response: answer}
		}
		res.Results = append(res.Results, result)
	}
	return res, nil
}

func (s *fakeService) GetVersion(
	ctx context.Context, req *registryv1.GetVersionRequest,
) (*registryv1.GetVersionResponse, error) {
	if err := s.admit(ctx); err != nil {
		return nil, err
	}
	if v := req.GetVersion(); v != "" && v != "v1.0.0" {
		return nil, refusal(connect.CodeNotFound, fmt.Sprintf("model \"length\" has no version %q; it has: v1.0.0", v))
	}
	return &registryv1.GetVersionResponse{Version: &registryv1.ModelVersion{
		Model: "length", Version: "v1.0.0", Classes: []string{"short", "long"},
	}}, nil
}

func classify(path string, row []float64) (*predictionv1.PredictResponse, error) {
	if len(row) != 1 {
		field, description := path+"features", fmt.Sprintf("has %d, expected 1 value (length_cm)", len(row))
		return nil, refusal(connect.CodeInvalidArgument, field+" "+description,
			&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{
				Field: field, Description: description,
			}}})
	}
	long := 1 / (1 + math.Exp(2-row[0]))
	answer := &predictionv1.PredictResponse{
		Prediction: "long", Confidence: long, Model: "length", ModelVersion: "v1.0.0",
	}
	if long < 0.5 {
		answer.Prediction, answer.Confidence = "short", 1-long
	}
	return answer, nil
}

// refusal is an error as a server sends it: with its details and a request id.
func refusal(code connect.Code, message string, details ...proto.Message) error {
	err := connect.NewError(code, errors.New(message))
	for _, d := range details {
		detail, detailErr := connect.NewErrorDetail(d)
		if detailErr != nil {
			return detailErr
		}
		err.AddDetail(detail)
	}
	err.Meta().Set("x-request-id", "req-7")
	return err
}

func (s *fakeService) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(predictionv1connect.NewPredictionServiceHandler(s))
	mux.Handle(registryv1connect.NewRegistryServiceHandler(s))
	return mux
}

// serve starts a server of HTTP/1.1 and HTTP/2 in clear text on one port.
func serve(tb testing.TB, handler http.Handler) *httptest.Server {
	tb.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	tb.Cleanup(server.Close)
	return server
}

func dial(tb testing.TB, target string, opts ...Option) *Client {
	tb.Helper()
	client, err := Dial(target, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(client.Close)
	return client
}

// wires are the ways that a client speaks.
var wires = []struct {
	name        string
	contentType string
	major       int // of HTTP in clear text
	options     []Option
}{
	{"grpc", "application/grpc", 2, nil},
	{"grpc-web", "application/grpc-web+proto", 1, []Option{WithProtocol(GRPCWeb)}},
	{"connect", "application/proto", 1, []Option{WithProtocol(Connect)}},
	{"connect json", "application/json", 1, []Option{WithProtocol(Connect), WithJSON()}},
}

// asError returns err as the only type that calls fail with; wrapping it again is a failure.
func asError(tb testing.TB, err error) *Error {
	tb.Helper()
	failure, ok := err.(*Error)
	if !ok {
		tb.Fatalf("error is a %T (%v), want an *Error", err, err)
	}
	return failure
}
