package predictionapi_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// judgement is what a server makes of one row, in whichever form it was asked. Confidence is in
// bits, so that nothing passes for equal that is not.
type judgement struct {
	Class         string
	Confidence    uint64
	Probabilities []uint64 // in the order of the model; nil where the form was not asked for them
	Violations    []string // with paths as of a single row
}

// classes are those of the models, in their order.
var classes = map[string][]string{
	"iris": {"setosa", "versicolor", "virginica"},
	"loan": {"declined", "approved"},
}

// TestFormsAgree asks for random rows, many of them bad, in every form and every protocol:
// each row is judged as a Predict of its own judges it.
func TestFormsAgree(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	tables := []table{
		{"iris", 4, irisRows(rand.New(rand.NewPCG(1, 0)), 60)},
		{"loan", 3, loanRows(rand.New(rand.NewPCG(2, 0)), 60)},
	}
	truth := env.Prediction(t, testenv.Protocols()[0])
	for _, doubles := range tables {
		floats := doubles.rounded()
		want, wantOfFloats := singles(t, truth, doubles), singles(t, truth, floats)
		for _, p := range testenv.Protocols() {
			t.Run(doubles.model+"/"+p.Name, func(t *testing.T) {
				t.Parallel()
				client := env.Prediction(t, p)
				compare(t, "single", want, singles(t, client, doubles))
				compare(t, "rows", want, batch(t, client, doubles.asRows()))
				compare(t, "rows in chunks", want, chunks(t, client, doubles.asRows(), 7))
				compare(t, "matrix", want, batch(t, client, doubles.asMatrix()))
				compare(t, "matrix in chunks", want, chunks(t, client, doubles.asMatrix(), 7))
				compare(t, "floats", wantOfFloats, batch(t, client, floats.asFloats()))
				compare(t, "floats in chunks", wantOfFloats, chunks(t, client, floats.asFloats(), 0))
				if p.HTTP2() {
					compare(t, "messages", want, messages(t, client, doubles))
				}
			})
		}
	}
}

func compare(t *testing.T, form string, want, got []judgement) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d rows, want %d", form, len(got), len(want))
	}
	for i := range want {
		w := want[i]
		if got[i].Probabilities == nil {
			w.Probabilities = nil
		}
		if diff := cmp.Diff(w, got[i]); diff != "" {
			t.Fatalf("%s: row %d (-single +%s):\n%s", form, i, form, diff)
		}
	}
}

// table is rows of a model.
type table struct {
	model   string
	columns int
	values  []float64
}

func (b table) row(i int) []float64 { return b.values[i*b.columns : (i+1)*b.columns] }

func (b table) rows() int { return len(b.values) / b.columns }

// rounded returns the table with each value as a float32 holds it.
func (b table) rounded() table {
	values := make([]float64, len(b.values))
	for i, v := range b.values {
		values[i] = float64(float32(v))
	}
	return table{b.model, b.columns, values}
}

func (b table) asRows() *predictionv1.BatchPredictRequest {
	request := &predictionv1.BatchPredictRequest{Model: b.model}
	for i := range b.rows() {
		request.Rows = append(request.Rows, &predictionv1.Row{Features: b.row(i)})
	}
	return request
}

func (b table) asMatrix() *predictionv1.BatchPredictRequest {
	return &predictionv1.BatchPredictRequest{
		Model:         b.model,
		Matrix:        &predictionv1.Matrix{Columns: uint32(b.columns), Values: b.values},
		Probabilities: true,
	}
}

func (b table) asFloats() *predictionv1.BatchPredictRequest {
	request := &predictionv1.BatchPredictRequest{Model: b.model, Matrix: &predictionv1.Matrix{Columns: uint32(b.columns)}}
	for _, v := range b.values {
		request.Matrix.FloatValues = append(request.Matrix.FloatValues, float32(v))
	}
	return request
}

// irisRows returns rows of which about every third is bad.
func irisRows(r *rand.Rand, n int) []float64 {
	bad := []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -1e300}
	values := make([]float64, 0, 4*n)
	for range 4 * n {
		v := r.NormFloat64()*2 + 4
		if r.IntN(10) == 0 {
			v = bad[r.IntN(len(bad))]
		}
		values = append(values, v)
	}
	return values
}

func loanRows(r *rand.Rand, n int) []float64 {
	bad := []float64{math.NaN(), -1, 3, 0.5, math.Inf(1), 1e18}
	values := make([]float64, 0, 3*n)
	for range n {
		row := []float64{r.Float64() * 1e5, float64(r.IntN(3)), float64(18 + r.IntN(60))}
		if r.IntN(4) == 0 {
			row[r.IntN(3)] = bad[r.IntN(len(bad))]
		}
		values = append(values, row...)
	}
	return values
}

func singles(t *testing.T, client predictionv1connect.PredictionServiceClient, b table) []judgement {
	t.Helper()
	judgements := make([]judgement, b.rows())
	for i := range judgements {
		response, err := client.Predict(t.Context(), &predictionv1.PredictRequest{Model: b.model, Features: b.row(i)})
		if err != nil {
			judgements[i] = judgement{Violations: violationsOf(t, err)}
			continue
		}
		judgements[i] = judge(b.model, response)
	}
	return judgements
}

func violationsOf(t *testing.T, err error) []string {
	t.Helper()
	var made *connect.Error
	if !errors.As(err, &made) || made.Code() != connect.CodeInvalidArgument || len(made.Details()) != 1 {
		t.Fatal(err)
	}
	value, err := made.Details()[0].Value()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, v := range value.(*errdetails.BadRequest).GetFieldViolations() {
		lines = append(lines, v.GetField()+" "+v.GetDescription())
	}
	return lines
}

func judge(model string, response *predictionv1.PredictResponse) judgement {
	j := judgement{Class: response.GetPrediction(), Confidence: math.Float64bits(response.GetConfidence())}
	for _, class := range classes[model] {
		for _, score := range response.GetScores() {
			if score.GetClass() == class {
				j.Probabilities = append(j.Probabilities, math.Float64bits(score.GetProbability()))
			}
		}
	}
	return j
}

// refused reads the error of a row whose paths begin with prefix.
func refused(t *testing.T, e *predictionv1.RowError, prefix string) judgement {
	t.Helper()
	if e.GetCode() != "invalid_argument" {
		t.Errorf("code of a row: %s", e.GetCode())
	}
	var lines []string
	for _, v := range e.GetFieldViolations() {
		field, found := strings.CutPrefix(v.GetField(), prefix)
		if !found {
			t.Errorf("path %s: expected it to begin with %s", v.GetField(), prefix)
		}
		lines = append(lines, field+" "+v.GetDescription())
	}
	if !strings.HasPrefix(e.GetMessage(), prefix+lines[0]) {
		t.Errorf("message %q: expected it to begin with %q", e.GetMessage(), prefix+lines[0])
	}
	return judgement{Violations: lines}
}

func batch(t *testing.T, client predictionv1connect.PredictionServiceClient, request *predictionv1.BatchPredictRequest) []judgement {
	t.Helper()
	response, err := client.BatchPredict(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return results(t, request, response, 0)
}

func chunks(t *testing.T, client predictionv1connect.PredictionServiceClient, request *predictionv1.BatchPredictRequest, rows uint32) []judgement {
	t.Helper()
	stream, err := client.BatchPredictStream(t.Context(), &predictionv1.BatchPredictStreamRequest{Batch: request, ChunkRows: rows})
	if err != nil {
		t.Fatal(err)
	}
	var judgements []judgement
	for stream.Receive() {
		first := stream.Msg().GetFirstRow()
		if int(first) != len(judgements) {
			t.Fatalf("a chunk begins with row %d, want %d", first, len(judgements))
		}
		judgements = append(judgements, results(t, request, stream.Msg().GetChunk(), int(first))...)
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	if err := stream.Close(); err != nil {
		t.Error(err)
	}
	return judgements
}

// results reads the results of a batch, or of a chunk of one that begins with row first.
func results(t *testing.T, request *predictionv1.BatchPredictRequest, response *predictionv1.BatchPredictResponse, first int) []judgement {
	t.Helper()
	if response.GetModel() != request.GetModel() || response.GetModelVersion() == "" {
		t.Errorf("answered by %s %q", response.GetModel(), response.GetModelVersion())
	}
	if request.GetMatrix() != nil {
		return matrixResults(t, request, response.GetMatrix(), first)
	}
	judgements := make([]judgement, len(response.GetResults()))
	for i, result := range response.GetResults() {
		if e := result.GetError(); e != nil {
			judgements[i] = refused(t, e, fmt.Sprintf("rows[%d].", first+i))
			continue
		}
		judgements[i] = judge(request.GetModel(), result.GetResponse())
	}
	return judgements
}

func matrixResults(t *testing.T, request *predictionv1.BatchPredictRequest, result *predictionv1.MatrixResult, first int) []judgement {
	t.Helper()
	if diff := cmp.Diff(classes[request.GetModel()], result.GetClasses()); diff != "" {
		t.Fatalf("classes (-want +got):\n%s", diff)
	}
	n, k := len(result.GetClassIndices()), len(result.GetClasses())
	if len(result.GetConfidences()) != n {
		t.Fatalf("%d class indices, %d confidences", n, len(result.GetConfidences()))
	}
	judgements := make([]judgement, n)
	for i, class := range result.GetClassIndices() {
		judgements[i] = judgement{Class: result.GetClasses()[class], Confidence: math.Float64bits(result.GetConfidences()[i])}
		if request.GetProbabilities() {
			for _, p := range result.GetProbabilities()[i*k : (i+1)*k] {
				judgements[i].Probabilities = append(judgements[i].Probabilities, math.Float64bits(p))
			}
		}
	}
	for _, e := range result.GetErrors() {
		at := int(e.GetRow()) - first
		for _, bits := range append(judgements[at].Probabilities, judgements[at].Confidence, uint64(result.GetClassIndices()[at])) {
			if bits != 0 {
				t.Errorf("row %d has an error and a result", e.GetRow())
			}
		}
		judgements[at] = refused(t, asOfRow(e, request.GetMatrix()), "")
	}
	return judgements
}

// asOfRow rewrites the paths of a matrix's row as those of a single one.
func asOfRow(e *predictionv1.MatrixRowError, m *predictionv1.Matrix) *predictionv1.RowError {
	field := "matrix.values"
	if len(m.GetFloatValues()) > 0 {
		field = "matrix.float_values"
	}
	text := func(s string) string {
		first := int(e.GetRow()) * int(m.GetColumns())
		s = strings.Replace(s, fmt.Sprintf("%s[%d] begins a row that ", field, first), "features ", 1)
		for j := range int(m.GetColumns()) {
			s = strings.Replace(s, fmt.Sprintf("%s[%d] ", field, first+j), fmt.Sprintf("features[%d] ", j), 1)
		}
		return s
	}
	row := &predictionv1.RowError{Code: e.GetError().GetCode(), Message: text(e.GetError().GetMessage())}
	for _, v := range e.GetError().GetFieldViolations() {
		path, description, _ := strings.Cut(text(v.GetField()+" "+v.GetDescription()), " ")
		row.FieldViolations = append(row.FieldViolations, &predictionv1.FieldViolation{Field: path, Description: description})
	}
	return row
}

func messages(t *testing.T, client predictionv1connect.PredictionServiceClient, b table) []judgement {
	t.Helper()
	stream, err := client.PredictStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for i := range b.rows() {
			message := &predictionv1.PredictStreamRequest{Request: &predictionv1.PredictRequest{Model: b.model, Features: b.row(i)}}
			if stream.Send(message) != nil {
				return // Receive says why
			}
		}
		_ = stream.CloseRequest()
	}()
	var judgements []judgement
	for {
		message, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e := message.GetError(); e != nil {
			judgements = append(judgements, refused(t, e, ""))
			continue
		}
		judgements = append(judgements, judge(b.model, message.GetResponse()))
	}
	if err := stream.CloseResponse(); err != nil {
		t.Error(err)
	}
	return judgements
}
