package capacity_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sepal-ml/sepal/services/bench/internal/capacity"
	"github.com/sepal-ml/sepal/services/bench/internal/report"
)

func line(name, peer, unit string, ours, theirs float64) report.Line {
	return report.Line{Name: name, Peer: peer, Unit: unit, Ours: &ours, Theirs: &theirs}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	r := &report.Report{Lines: []report.Line{
		line("CPU per gRPC Predict, all layers on", "grpc-go", "µs", 40, 20),
		line("CPU per gRPC Predict, again", "Python", "µs", 60, 400),
		line("CPU per gRPC Predict, once more", "grpc-go", "µs", 50, 20),
		line("allocations per gRPC Predict", "", "", 3, 0),
		line("CPU per JSON Predict over HTTP/1.1", "", "µs", 30, 0),
		line("CPU per JSON Predict, gzip", "", "µs", 32, 0),
		line("CPU per gRPC-Web Predict", "", "µs", 33, 0),
		line("CPU per prediction of PredictStream", "Python", "µs", 5.8, 352),
		line("CPU per row of BatchPredict", "Python", "µs", 0.126, 0.631),
	}}
	want := []capacity.Figure{
		{Name: "gRPC Predict", Ours: 50 * time.Microsecond, Python: 400 * time.Microsecond},
		{Name: "JSON Predict over HTTP/1.1", Ours: 31 * time.Microsecond},
		{Name: "gRPC-Web Predict over HTTP/1.1", Ours: 33 * time.Microsecond},
		{Name: "PredictStream, a row per message", Ours: 5800, Python: 352 * time.Microsecond},
		{Name: "BatchPredict, 10 000 rows a call", Ours: 126, Python: 631},
	}
	got, err := capacity.Figures(r)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, (-want +got):\n%s", err, diff)
	}
	r.Lines = r.Lines[:7]
	if _, err := capacity.Figures(r); err == nil || !strings.Contains(err.Error(), `no line "CPU per prediction of PredictStream"`) {
		t.Errorf("without a line: %v", err)
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	p := capacity.Plan{Cores: 2, Utilisation: 0.6, Spare: 1, Price: 0.036}
	for _, test := range []struct {
		rate float64
		cost time.Duration
		want int
	}{
		{1, time.Microsecond, 2},                   // one, and the spare one
		{12_000, 100 * time.Microsecond, 2},        // 1.2 cores are just what one has
		{12_001, 100 * time.Microsecond, 3},        // and a little more
		{1_000_000, 50 * time.Microsecond, 42 + 1}, // 50 ÷ 1.2
	} {
		if got := p.Replicas(test.rate, test.cost); got != test.want {
			t.Errorf("%v/s at %v: %d replicas, expected %d", test.rate, test.cost, got, test.want)
		}
	}
	// 60 s of processor time in 100 s of processors.
	if got := p.PerMillion(60 * time.Microsecond); math.Abs(got-0.001) > 1e-12 {
		t.Errorf("a million costs %v, expected 0.001", got)
	}
	for _, wrong := range []capacity.Plan{{Cores: 0, Utilisation: 0.5}, {Cores: 1}, {Cores: 1, Utilisation: 1}, {Cores: 1, Utilisation: math.NaN()}, {Cores: 1, Utilisation: 0.5, Spare: -1}, {Cores: 1, Utilisation: 0.5, Price: math.NaN()}} {
		if wrong.Check() == nil {
			t.Errorf("%+v is taken", wrong)
		}
	}
}
