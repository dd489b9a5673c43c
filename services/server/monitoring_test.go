package server_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	monitoringv1 "github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1"
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// TestMonitoringOverEveryProtocol asks for reports by every name that a version has.
func TestMonitoringOverEveryProtocol(t *testing.T) {
	t.Parallel()
	env := startRegistry(t, "v1.0.0", "v1.1.0")
	broken(t, env, "v3.0.0")
	p := testenv.Protocols()[0]
	if _, err := env.Registry(t, p).SetRollout(t.Context(), &registryv1.SetRolloutRequest{Rollout: &registryv1.Rollout{
		Model: "iris", Stable: "v1.0.0", Labels: map[string]string{"next": "v1.1.0"}, Etag: etagOf(t, env),
	}}); err != nil {
		t.Fatal(err)
	}
	if _, err := env.Prediction(t, p).Predict(t.Context(), &predictionv1.PredictRequest{Features: []float64{5.1, 3.5, 1.4, 0.2}, Version: "next"}); err != nil {
		t.Fatal(err)
	}
	for _, p := range testenv.Protocols() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			client := env.Monitoring(t, p)
			for _, test := range []struct {
				model, version, want string
				rows                 uint64
			}{
				{"", "", "v1.0.0", 0},
				{"iris", "", "v1.0.0", 0},
				{"iris", "v1.1.0", "v1.1.0", 1},
				{"", "next", "v1.1.0", 1},
			} {
				response, err := client.GetDriftReport(t.Context(), &monitoringv1.GetDriftReportRequest{Model: test.model, Version: test.version})
				if err != nil {
					t.Fatal(err)
				}
				r := response.GetReport()
				if r.GetModel() != "iris" || r.GetVersion() != test.want || r.GetRows() != test.rows || len(r.GetFeatures()) != 4 ||
					r.GetState() != monitoringv1.DriftState_DRIFT_STATE_NOT_ENOUGH_DATA || r.GetRowsNeeded() != 200 || r.GetWindow().AsDuration() != time.Hour {
					t.Errorf("model %q, version %q: got %v", test.model, test.version, r)
				}
			}
			for _, test := range []struct {
				model, version string
				code           connect.Code
				text           string
			}{
				{"loan", "", connect.CodeNotFound, `there is no model "loan"; there are: iris`},
				{"iris", "v9.0.0", connect.CodeNotFound, `has no version or label "v9.0.0"; it has: v1.1.0, v1.0.0; labels: next`},
				{"iris", "v3.0.0", connect.CodeFailedPrecondition, "could not be loaded"},
			} {
				_, err := client.GetDriftReport(t.Context(), &monitoringv1.GetDriftReportRequest{Model: test.model, Version: test.version})
				requireCode(t, err, test.code, test.text)
			}
			requireActivity(t, env, p)
		})
	}
}

func requireActivity(t *testing.T, env *testenv.Env, p testenv.Protocol) {
	t.Helper()
	client := env.Monitoring(t, p)
	for _, model := range []string{"", "iris"} {
		response, err := client.GetActivity(t.Context(), &monitoringv1.GetActivityRequest{Model: model})
		if err != nil {
			t.Fatal(err)
		}
		a := response.GetActivity()
		var versions []string
		for _, v := range a.GetVersions() {
			versions = append(versions, v.GetModel()+" "+v.GetVersion()+" "+v.GetVariant())
		}
		if diff := cmp.Diff([]string{"iris v1.1.0 ", "iris v1.0.0 stable"}, versions); diff != "" {
			t.Errorf("versions of %q (-want +got):\n%s", model, diff)
		}
		if a.GetStep().AsDuration() != 5*time.Second || a.GetConfidenceThreshold() != 0.5 || time.Since(a.GetSince().AsTime()) > time.Hour {
			t.Errorf("got %v", a)
		}
	}
	_, err := client.GetActivity(t.Context(), &monitoringv1.GetActivityRequest{Model: "loan"})
	requireCode(t, err, connect.CodeNotFound, `there is no model "loan"; there are: iris`)
}

func etagOf(t *testing.T, env *testenv.Env) string {
	t.Helper()
	response, err := env.Registry(t, testenv.Protocols()[0]).GetRollout(t.Context(), &registryv1.GetRolloutRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return response.GetRollout().GetEtag()
}

// replayed are rows of the iris data set, as many as asked for, with the petal length moved.
func replayed(t *testing.T, rows int, moved float64) []float64 {
	t.Helper()
	iris := irisRows(t)
	values := make([]float64, 0, 4*rows)
	for i := range rows {
		// 77 and 150 have no factor in common: all rows come equally often, in no order.
		row := slices.Clone(iris[i*77%len(iris)])
		row[2] += moved
		values = append(values, row...)
	}
	return values
}

// replay answers the rows by every form that there is, a quarter by each of four.
func replay(t *testing.T, env *testenv.Env, values []float64) {
	t.Helper()
	client := env.Prediction(t, testenv.Protocols()[5]) // over HTTP/2
	quarter := len(values) / 4
	var rows []*predictionv1.Row
	for i := 0; i < quarter; i += 4 {
		if _, err := client.Predict(t.Context(), &predictionv1.PredictRequest{Features: values[i : i+4]}); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, &predictionv1.Row{Features: values[quarter+i : quarter+i+4]})
	}
	if _, err := client.BatchPredict(t.Context(), &predictionv1.BatchPredictRequest{Rows: rows}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.BatchPredict(t.Context(), &predictionv1.BatchPredictRequest{
		Matrix: &predictionv1.Matrix{Columns: 4, Values: values[2*quarter : 3*quarter]},
	}); err != nil {
		t.Fatal(err)
	}
	floats := make([]float32, 0, quarter)
	for _, v := range values[3*quarter:] {
		floats = append(floats, float32(v))
	}
	stream, err := client.BatchPredictStream(t.Context(), &predictionv1.BatchPredictStreamRequest{
		ChunkRows: 100, Batch: &predictionv1.BatchPredictRequest{Matrix: &predictionv1.Matrix{Columns: 4, FloatValues: floats}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for stream.Receive() {
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
}

// TestDriftIsSeen replays the rows of training, and then with one feature moved.
func TestDriftIsSeen(t *testing.T) {
	t.Parallel()
	const sd = 1.765 // of the petal length in the data set
	for name, moved := range map[string]float64{"as in training": 0, "with a feature moved": 2 * sd} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := testenv.Options()
			o.ModelPath = testenv.IrisRegistry(t, "v1.0.0")
			env := testenv.Start(t, o)
			replay(t, env, replayed(t, 2000, moved))
			response, err := env.Monitoring(t, testenv.Protocols()[0]).GetDriftReport(t.Context(), &monitoringv1.GetDriftReportRequest{})
			if err != nil {
				t.Fatal(err)
			}
			r := response.GetReport()
			if r.GetRows() != 2000 {
				t.Errorf("the report is of %d rows, expected 2000", r.GetRows())
			}
			for _, f := range r.GetFeatures() {
				drifted := moved != 0 && f.GetFeature() == "petal_length_cm"
				if psi := f.GetDivergence().GetPsi(); !drifted && psi >= 0.1 || drifted != (f.GetState() == monitoringv1.DriftState_DRIFT_STATE_DRIFTED) {
					t.Errorf("%s: %v with a PSI of %v", f.GetFeature(), f.GetState(), psi)
				}
			}
			if moved == 0 && (r.GetState() != monitoringv1.DriftState_DRIFT_STATE_STABLE || r.GetPredictions().GetDivergence().GetPsi() >= 0.1) {
				t.Errorf("%v, and the PSI of the predictions is %v", r.GetState(), r.GetPredictions().GetDivergence().GetPsi())
			}
		})
	}
}

// TestOnlyAnsweredRowsCount sends good rows and bad ones in every form.
func TestOnlyAnsweredRowsCount(t *testing.T) {
	t.Parallel()
	env := startRegistry(t, "v1.0.0")
	p := testenv.Protocols()[5] // over HTTP/2
	client := env.Prediction(t, p)
	good, bad := []float64{5.1, 3.5, 1.4, 0.2}, []float64{5.1}
	if _, err := client.Predict(t.Context(), &predictionv1.PredictRequest{Features: bad}); err == nil {
		t.Error("a row that is too short is answered")
	}
	batch, matrix := new(predictionv1.BatchPredictRequest), &predictionv1.Matrix{Columns: 4}
	for i := range 40 {
		row, values := &predictionv1.Row{Features: good}, slices.Clone(good)
		if i%4 == 0 {
			row.Features, values[1] = bad, math.NaN()
		}
		batch.Rows, matrix.Values = append(batch.Rows, row), append(matrix.Values, values...)
	}
	for _, request := range []*predictionv1.BatchPredictRequest{
		batch, {Matrix: matrix}, // 30 good rows each, counted together
		{Rows: batch.Rows[:4]}, {Matrix: &predictionv1.Matrix{Columns: 4, Values: matrix.Values[:16]}}, // 3 each, one by one
	} {
		if _, err := client.BatchPredict(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	stream, err := client.PredictStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, features := range [][]float64{good, bad, good} {
		if err := stream.Send(&predictionv1.PredictStreamRequest{Request: &predictionv1.PredictRequest{Features: features}}); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Receive(); err != nil {
			t.Fatal(err)
		}
	}
	activity, err := env.Monitoring(t, p).GetActivity(t.Context(), &monitoringv1.GetActivityRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if n := activity.GetActivity().GetInFlight(); n == 0 {
		t.Error("no request is in flight, expected the stream")
	}
	if err := stream.CloseRequest(); err != nil {
		t.Fatal(err)
	}
	const want = 30 + 30 + 3 + 3 + 2
	_, _, text := scrape(t, testenv.HTTPClient(t, false), http.MethodGet, env.URL, "")
	for _, line := range []string{
		`sepal_predictions_total{class="setosa",model="iris",variant="stable",version="v1.0.0"} %d`,
		`sepal_prediction_confidence_count{model="iris",variant="stable",version="v1.0.0"} %d`,
		`sepal_drift_rows{model="iris",version="v1.0.0"} %d`,
	} {
		if line = fmt.Sprintf(line, want); !strings.Contains(string(text), "\n"+line+"\n") {
			t.Errorf("there is no line %s", line)
		}
	}
}

// TestUnsurePredictionsAreLogged sends rows between two classes.
func TestUnsurePredictionsAreLogged(t *testing.T) {
	t.Parallel()
	for _, features := range []bool{false, true} {
		o := testenv.Options()
		o.ModelPath, o.ConfidenceThreshold, o.LogFeatures = testenv.IrisRegistry(t, "v1.0.0"), 0.9, features
		env := testenv.Start(t, o)
		client := env.Prediction(t, testenv.Protocols()[0])
		// One a second at most, so that of many the first is logged.
		for range 20 {
			request := connect.NewRequest(&predictionv1.PredictRequest{Features: []float64{6, 2.8, 4.85, 1.65}})
			if _, err := client.Predict(t.Context(), request.Msg); err != nil {
				t.Fatal(err)
			}
		}
		lines := unsureLines(t, env.Log.String())
		if len(lines) == 0 || len(lines) > 10 {
			t.Fatalf("%d lines of 20 unsure predictions, expected a few", len(lines))
		}
		line := lines[0]
		if line["level"] != "info" || line["model"] != "iris" || line["model_version"] != "v1.0.0" || line["variant"] != "stable" || line["request_id"] == "" {
			t.Errorf("got %v", line)
		}
		if confidence, _ := line["confidence"].(float64); confidence >= 0.9 || confidence < 0.5 {
			t.Errorf("the confidence is %v", line["confidence"])
		}
		var want any
		if features {
			want = map[string]any{"sepal_length_cm": 6.0, "sepal_width_cm": 2.8, "petal_length_cm": 4.85, "petal_width_cm": 1.65}
		}
		if diff := cmp.Diff(want, line["features"]); diff != "" {
			t.Errorf("features (-want +got):\n%s", diff)
		}
		if strings.Contains(env.Log.String(), "4.85") != features {
			t.Errorf("the log has the values of the row: %v", !features)
		}
	}
}

func unsureLines(t *testing.T, log string) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for text := range strings.Lines(log) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		if line["message"] == "unsure prediction" {
			lines = append(lines, line)
		}
	}
	return lines
}
