package load_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"go.uber.org/goleak"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/internal/load"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake answers every row with a class, but for those whose first number is negative: it refuses
// them. Of what it gets it keeps the number: every second request is answered by a variant.
type fake struct {
	predictionv1connect.UnimplementedPredictionServiceHandler
	requests, rows atomic.Int64
	// fails says, of a unary request or a message of a stream, which of all that came it is, from
	// 1; an error fails it, or ends the stream.
	fails func(n int64) error
}

func (f *fake) came() (by, error) {
	n := f.requests.Add(1)
	if f.fails == nil {
		return [...]by{{"v1.0.0", "stable"}, {"v1.1.0-rc.1", "canary"}}[n%2], nil
	}
	return by{"v1.0.0", "stable"}, f.fails(n)
}

// by is the version and the variant that answer.
type by struct{ version, variant string }

func refusal() *predictionv1.RowError {
	return &predictionv1.RowError{Code: "invalid_argument", Message: "features[0] is negative"}
}

func (f *fake) Predict(_ context.Context, r *predictionv1.PredictRequest) (*predictionv1.PredictResponse, error) {
	by, err := f.came()
	if err != nil {
		return nil, err
	}
	f.rows.Add(1)
	if r.GetModel() != "iris" || r.GetVersion() != "v1.0.0" {
		return nil, connect.NewError(connect.CodeNotFound, errors.New("no such model"))
	}
	if r.GetFeatures()[0] < 0 {
		return nil, connect.NewError(connect.CodeInvalidArgument, errors.New("features[0] is negative"))
	}
	return &predictionv1.PredictResponse{Prediction: "rose", Confidence: 1, ModelVersion: by.version, Variant: by.variant}, nil
}

func (f *fake) result(features []float64) *predictionv1.RowResult {
	f.rows.Add(1)
	if features[0] < 0 {
		return &predictionv1.RowResult{Result: &predictionv1.RowResult_Error{Error: refusal()}}
	}
	return &predictionv1.RowResult{Result: &predictionv1.RowResult_Response{Response: &predictionv1.PredictResponse{Prediction: "rose"}}}
}

func (f *fake) BatchPredict(_ context.Context, r *predictionv1.BatchPredictRequest) (*predictionv1.BatchPredictResponse, error) {
	by, err := f.came()
	if err != nil {
		return nil, err
	}
	return f.batch(r.GetRows(), r.GetMatrix(), 0, by), nil
}

func (f *fake) batch(rows []*predictionv1.Row, m *predictionv1.Matrix, first int, by by) *predictionv1.BatchPredictResponse {
	response := &predictionv1.BatchPredictResponse{Model: "iris", ModelVersion: by.version, Variant: by.variant}
	for _, row := range rows {
		response.Results = append(response.Results, f.result(row.GetFeatures()))
	}
	if columns := int(m.GetColumns()); columns > 0 {
		response.Matrix = &predictionv1.MatrixResult{Classes: []string{"rose"}}
		for i := 0; i < len(m.GetValues()); i += columns {
			f.rows.Add(1)
			response.Matrix.ClassIndices = append(response.Matrix.ClassIndices, uint32(200*(i%2))) // one byte or two
			if m.GetValues()[i] < 0 {
				response.Matrix.Errors = append(response.Matrix.Errors, &predictionv1.MatrixRowError{Row: uint32(first + i/columns), Error: refusal()})
			}
		}
	}
	return response
}

func (f *fake) BatchPredictStream(_ context.Context, r *predictionv1.BatchPredictStreamRequest, out *connect.ServerStream[predictionv1.BatchPredictStreamResponse]) error {
	by, err := f.came()
	if err != nil {
		return err
	}
	rows, m := r.GetBatch().GetRows(), r.GetBatch().GetMatrix()
	total := max(len(rows), len(m.GetValues())/max(1, int(m.GetColumns())))
	const chunk = 3
	for first := 0; first < total; first += chunk {
		last := min(first+chunk, total)
		response := &predictionv1.BatchPredictStreamResponse{FirstRow: uint32(first)}
		if m == nil {
			response.Chunk = f.batch(rows[first:last], nil, first, by)
		} else {
			columns := int(m.GetColumns())
			response.Chunk = f.batch(nil, &predictionv1.Matrix{Columns: m.GetColumns(), Values: m.GetValues()[first*columns : last*columns]}, first, by)
		}
		if err := out.Send(response); err != nil {
			return err
		}
	}
	return nil
}

func (f *fake) PredictStream(_ context.Context, s *connect.BidiStream[predictionv1.PredictStreamRequest, predictionv1.PredictStreamResponse]) error {
	for {
		request, err := s.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		by, err := f.came()
		if err != nil {
			return err
		}
		result := f.result(request.GetRequest().GetFeatures())
		if r := result.GetResponse(); r != nil {
			r.ModelVersion, r.Variant = by.version, by.variant
		}
		response := &predictionv1.PredictStreamResponse{Result: &predictionv1.PredictStreamResponse_Response{Response: result.GetResponse()}}
		if result.GetError() != nil {
			response.Result = &predictionv1.PredictStreamResponse_Error{Error: result.GetError()}
		}
		if err := s.Send(response); err != nil {
			return err
		}
	}
}

// start serves the fake and returns it as a target.
func (f *fake) start(t *testing.T) *load.Target {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(predictionv1connect.NewPredictionServiceHandler(f))
	s := httptest.NewUnstartedServer(mux)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	target, err := load.Resolve(t.Context(), strings.TrimPrefix(s.URL, "http://"), false, nil)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// rows returns rows of two numbers; every tenth is one that the fake refuses, if so wanted.
func rows(n int, refused bool) []*predictionv1.Row {
	all := make([]*predictionv1.Row, n)
	for i := range all {
		first := 1.0
		if refused && i%10 == 9 {
			first = -1
		}
		all[i] = &predictionv1.Row{Features: []float64{first, float64(i)}}
	}
	return all
}

// way is a call in a protocol.
type way struct {
	protocol load.Protocol
	http     int
	call     load.Call
	matrix   bool
}

func (w way) String() string {
	return fmt.Sprintf("%s/%s over HTTP %d, matrix %t", w.protocol, w.call, w.http, w.matrix)
}

func (w way) options(target *load.Target) load.Options {
	return load.Options{
		Target: target, Protocol: w.protocol, HTTP: w.http, Call: w.call, Matrix: w.matrix, BatchRows: 10, Rows: rows(100, false),
		Concurrency: 4, Count: 100, Model: "iris", Version: "v1.0.0", Timeout: time.Minute,
	}
}

// ways returns all that there are.
func ways() []way {
	var all []way
	for _, protocol := range []load.Protocol{load.GRPC, load.GRPCWeb, load.Connect, load.ConnectJSON} {
		for _, http := range []int{1, 2} {
			if protocol == load.GRPC && http == 1 {
				continue
			}
			for _, call := range []load.Call{load.CallPredict, load.CallBatch, load.CallBatchStream, load.CallStream} {
				if call == load.CallStream && http == 1 {
					continue
				}
				all = append(all, way{protocol, http, call, false})
				if call == load.CallBatch || call == load.CallBatchStream {
					all = append(all, way{protocol, http, call, true})
				}
			}
		}
	}
	return all
}
