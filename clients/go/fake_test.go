package sepal

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	registryv1connect.UnimplementedRegistryServiceHandler
	// fail decides what becomes of the n-th call (from 1) of any method; nil lets all pass.
	fail  func(ctx context.Context, n int) error
	calls atomic.Int64
	// failMessage decides what becomes of the n-th message (from 1) of a stream: of what
	// PredictStream got, or of BatchPredictStream once it is sent; nil lets all pass.
	failMessage func(ctx context.Context, n int) error
	messages    atomic.Int64
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

func (s *fakeService) admitMessage(ctx context.Context) error {
	n := int(s.messages.Add(1))
	if s.failMessage == nil {
		return nil
	}
	return s.failMessage(ctx, n)
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
	return classifyBatch(req), nil
}

func (s *fakeService) BatchPredictStream(
	ctx context.Context, req *predictionv1.BatchPredictStreamRequest,
	stream *connect.ServerStream[predictionv1.BatchPredictStreamResponse],
) error {
	if err := s.admit(ctx); err != nil {
		return err
	}
	rows := req.GetBatch().GetRows()
	for first := 0; first < len(rows); first += int(req.GetChunkRows()) {
		chunk := &predictionv1.BatchPredictRequest{Rows: rows[first:min(first+int(req.GetChunkRows()), len(rows))]}
		if err := stream.Send(&predictionv1.BatchPredictStreamResponse{FirstRow: uint32(first), Chunk: classifyBatch(chunk)}); err != nil {
			return err
		}
		if err := s.admitMessage(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *fakeService) PredictStream(
	ctx context.Context, stream *connect.BidiStream[predictionv1.PredictStreamRequest, predictionv1.PredictStreamResponse],
) error {
	if err := s.admit(ctx); err != nil {
		return err
	}
	for {
		message, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.admitMessage(ctx); err != nil {
			return err
		}
		answer := new(predictionv1.PredictStreamResponse)
		if response, err := classify("", message.GetRequest().GetFeatures()); err != nil {
			answer.Result = &predictionv1.PredictStreamResponse_Error{Error: rowError(err)}
		} else {
			answer.Result = &predictionv1.PredictStreamResponse_Response{Response: response}
		}
		if err := stream.Send(answer); err != nil {
			return err
		}
	}
}

// classifyBatch answers rows, or a matrix of one column, in which NaN is refused.
func classifyBatch(req *predictionv1.BatchPredictRequest) *predictionv1.BatchPredictResponse {
	res := &predictionv1.BatchPredictResponse{Model: "length", ModelVersion: "v1.0.0"}
	if req.GetVersion() == "" {
		res.Variant = "stable"
	}
	if req.GetMatrix() != nil {
		res.Matrix = classifyMatrix(req.GetMatrix().GetValues())
	}
	for i, row := range req.GetRows() {
		result := &predictionv1.RowResult{}
		answer, err := classify(fmt.Sprintf("rows[%d].", i), row.GetFeatures())
		if err != nil {
			result.Result = &predictionv1.RowResult_Error{Error: rowError(err)}
		} else {
			result.Result = &predictionv1.RowResult_Response{Response: answer}
		}
		res.Results = append(res.Results, result)
	}
	return res
}

func classifyMatrix(values []float64) *predictionv1.MatrixResult {
	result := &predictionv1.MatrixResult{
		Classes:      []string{"short", "long"},
		ClassIndices: make([]uint32, len(values)),
		Confidences:  make([]float64, len(values)),
	}
	for i, v := range values {
		if math.IsNaN(v) {
			result.Errors = append(result.Errors, &predictionv1.MatrixRowError{
				Row: uint32(i), Error: &predictionv1.RowError{Code: "invalid_argument", Message: fmt.Sprintf("matrix.values[%d] is NaN", i)},
			})
			continue
		}
		result.Confidences[i] = 1 / (1 + math.Exp(-math.Abs(v-2)))
		if v >= 2 {
			result.ClassIndices[i] = 1
		}
	}
	return result
}

func rowError(err error) *predictionv1.RowError {
	e := &predictionv1.RowError{Code: connect.CodeOf(err).String(), Message: err.Error()}
	if refused := new(connect.Error); errors.As(err, &refused) {
		e.Message = refused.Message()
	}
	return e
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
