package hotjson_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/rpc/hotjson"
)

func requestCases() map[string]struct {
	data string
	m    proto.Message
} {
	return map[string]struct {
		data string
		m    proto.Message
	}{
		"features": {`{"features":[5.1,3.5,1.4,0.2]}`, new(predictionv1.PredictRequest)},
		"inputs":   {`{"inputs":{"sepal_length_cm":5.1,"sepal_width_cm":3.5,"petal_length_cm":1.4,"petal_width_cm":0.2}}`, new(predictionv1.PredictRequest)},
		"1000rows": {`{"rows":[` + strings.Repeat(`{"features":[5.1,3.5,1.4,0.2]},`, 999) + `{"features":[1,2,3,4]}]}`, new(predictionv1.BatchPredictRequest)},
		"matrix":   {`{"matrix":{"columns":4,"values":[` + strings.Repeat(`5.1,3.5,1.4,0.2,`, 999) + `1,2,3,4]}}`, new(predictionv1.BatchPredictRequest)},
	}
}

func prediction() *predictionv1.PredictResponse {
	return &predictionv1.PredictResponse{
		Prediction: "setosa", Confidence: 0.9791473155, ModelVersion: "v1.0.0", Model: "iris", Variant: "stable",
		Scores: []*predictionv1.ClassScore{{Class: "setosa", Probability: 0.9791473155}, {Class: "versicolor", Probability: 0.0208526}, {Class: "virginica", Probability: 8.4e-8}},
	}
}

func BenchmarkUnmarshal(b *testing.B) {
	for name, c := range requestCases() {
		data := []byte(c.data)
		b.Run(name+"/hotjson", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !hotjson.Unmarshal(data, c.m) {
					b.Fatal("not read")
				}
			}
		})
		b.Run(name+"/protojson", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, c.m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMarshal(b *testing.B) {
	m := prediction()
	b.Run("hotjson", func(b *testing.B) {
		b.ReportAllocs()
		var out []byte
		for b.Loop() {
			out, _ = hotjson.Append(out[:0], m)
		}
	})
	b.Run("protojson", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := slowMarshal(m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestAllocations holds the package to what it is for.
func TestAllocations(t *testing.T) { //nolint:paralleltest // allocations are counted for the whole process
	most := map[string]float64{"features": 1, "inputs": 12, "1000rows": 40, "matrix": 2}
	for name, c := range requestCases() {
		data := []byte(c.data)
		got := testing.AllocsPerRun(20, func() {
			if !hotjson.Unmarshal(data, c.m) {
				t.Error("not read")
			}
		})
		if got > most[name] {
			t.Errorf("reading %s takes %v allocations, expected at most %v", name, got, most[name])
		}
	}
	out, m := make([]byte, 0, 1024), prediction()
	if got := testing.AllocsPerRun(20, func() { out, _ = hotjson.Append(out[:0], m) }); got > 0 {
		t.Errorf("writing takes %v allocations, expected none", got)
	}
	if len(out) == 0 {
		t.Error("nothing is written")
	}
}
