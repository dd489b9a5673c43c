package predictionapi_test

import (
	"math"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// TestRowsOfMatrix shows how many rows a matrix may have.
func TestRowsOfMatrix(t *testing.T) {
	t.Parallel()
	o := testenv.Options()
	o.MaxBatchRows = 2
	env := testenv.Start(t, o)
	for _, p := range testenv.Protocols() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			client := env.Prediction(t, p)
			most := &predictionv1.BatchPredictRequest{Matrix: &predictionv1.Matrix{Columns: 4, FloatValues: make([]float32, 4*200)}}
			response, err := client.BatchPredict(t.Context(), most)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(response.GetMatrix().GetClassIndices()); n != 200 {
				t.Errorf("%d results, want 200", n)
			}
			for field, m := range map[string]*predictionv1.Matrix{
				"matrix.values":       {Columns: 4, Values: make([]float64, 4*201)},
				"matrix.float_values": {Columns: 4, FloatValues: make([]float32, 4*201)},
			} {
				_, err := client.BatchPredict(t.Context(), &predictionv1.BatchPredictRequest{Matrix: m})
				want := field + " has 201 rows of 4, expected at most 200"
				if connect.CodeOf(err) != connect.CodeInvalidArgument || !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %s", err, want)
				}
			}
		})
	}
}

// TestErrorsOfMatrix shows that of many bad rows the first say all that is wrong.
func TestErrorsOfMatrix(t *testing.T) {
	t.Parallel()
	o := testenv.Options()
	o.MaxBatchRows = 2
	env := testenv.Start(t, o)
	values := make([]float64, 4*5)
	for _, bad := range []int{1, 4, 14, 15, 19} { // of rows 0, 1, 3, 3 and 4
		values[bad] = math.Inf(1)
	}
	request := &predictionv1.BatchPredictRequest{Matrix: &predictionv1.Matrix{Columns: 4, Values: values}}
	response, err := env.Prediction(t, testenv.Protocols()[0]).BatchPredict(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	type rowError struct {
		Row    uint32
		Fields []string
	}
	var got []rowError
	for _, e := range response.GetMatrix().GetErrors() {
		r := rowError{Row: e.GetRow()}
		for _, v := range e.GetError().GetFieldViolations() {
			r.Fields = append(r.Fields, v.GetField())
		}
		got = append(got, r)
	}
	want := []rowError{{0, []string{"matrix.values[1]"}}, {1, []string{"matrix.values[4]"}}, {3, nil}, {4, nil}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

// TestTallMatrix has more rows than are classified between two looks at the context.
func TestTallMatrix(t *testing.T) {
	t.Parallel()
	const rows, bad = 10_000, 7777
	setosa, virginica := []float64{5.1, 3.5, 1.4, 0.2}, []float64{6.5, 3, 5.8, 2.2}
	var values []float64
	for i := range rows {
		if i%3 == 0 {
			values = append(values, virginica...)
		} else {
			values = append(values, setosa...)
		}
	}
	values[4*bad] = math.NaN()
	request := &predictionv1.BatchPredictRequest{Matrix: &predictionv1.Matrix{Columns: 4, Values: values}}
	response, err := testenv.Start(t, testenv.Options()).Prediction(t, testenv.Protocols()[0]).BatchPredict(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	result := response.GetMatrix()
	if len(result.GetErrors()) != 1 || result.GetErrors()[0].GetRow() != bad {
		t.Errorf("errors: %v", result.GetErrors())
	}
	for i, class := range result.GetClassIndices() {
		want := "setosa"
		if i%3 == 0 {
			want = "virginica"
		}
		if got := result.GetClasses()[class]; i != bad && got != want || (result.GetConfidences()[i] < 0.9) != (i == bad) {
			t.Fatalf("row %d: %s with %v, want %s", i, got, result.GetConfidences()[i], want)
		}
	}
}
