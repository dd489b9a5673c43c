package report_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sepal-ml/sepal/services/bench/internal/report"
)

func TestNumber(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{
		0:            "0",
		0.0154:       "0.0154",
		0.5:          "0.500",
		2.4999:       "2.50",
		46.1:         "46.1",
		803.4:        "803",
		4882:         "4 880",
		10_000:       "10 000",
		5_769_000:    "5 770 000",
		999_900:      "1 000 000",
		-1234:        "-1 230",
		math.Inf(+1): "+Inf",
	} {
		if got := report.Number(v); got != want {
			t.Errorf("Number(%v) = %q, expected %q", v, got, want)
		}
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	of := func(v float64) *float64 { return &v }
	for _, test := range []struct {
		name string
		line report.Line
		want report.Verdict
	}{
		{"nothing", report.Line{Target: report.AtMost(1)}, report.NotMeasured},
		{"no target", report.Line{Ours: of(1)}, report.Informs},
		{"at most", report.Line{Ours: of(2), Target: report.AtMost(2)}, report.Met},
		{"too much", report.Line{Ours: of(2.01), Target: report.AtMost(2)}, report.Missed},
		{"at least", report.Line{Ours: of(2), Target: report.AtLeast(2)}, report.Met},
		{"too little", report.Line{Ours: of(1.99), Target: report.AtLeast(2)}, report.Missed},
		{"between", report.Line{Ours: of(1), Target: report.Between(0.93, 1.07)}, report.Met},
		{"below both", report.Line{Ours: of(0.92), Target: report.Between(0.93, 1.07)}, report.Missed},
		{"above both", report.Line{Ours: of(1.08), Target: report.Between(0.93, 1.07)}, report.Missed},
		{"the ratio counts", report.Line{Ours: of(100), Ratio: &report.Ratio{Value: 1}, Target: report.AtMost(2)}, report.Met},
		{"no number", report.Line{Ratio: &report.Ratio{Value: math.NaN()}, Target: report.AtMost(2)}, report.Missed},
	} {
		test.line.Judge()
		if test.line.Verdict != test.want {
			t.Errorf("%s: %s, expected %s", test.name, test.line.Verdict, test.want)
		}
	}
}

// sample is a report with a line of each kind.
func sample() *report.Report {
	of := func(v float64) *float64 { return &v }
	r := &report.Report{
		Machine: report.Machine{CPU: "A Processor", Cores: 2, OS: "linux/amd64 6.1", Go: "go1.26", Sepal: "sepal v1"},
		Method:  report.Method{Rounds: 5, Seconds: 2, ServerCPU: 1},
		Lines: []report.Line{
			{
				Name: "the same twice", Group: report.NullGroup, Unit: "µs", Ours: of(46.1), Peer: "Sepal again", Theirs: of(45.9),
				Ratio: &report.Ratio{Of: "Sepal ÷ peer", Value: 1.004, Low: 0.98, High: 1.03}, Target: report.Between(0.93, 1.07),
			},
			{Name: "CPU per call", Unit: "µs", Ours: of(46.1), Peer: "a | b", Theirs: of(20), Ratio: &report.Ratio{Of: "Sepal ÷ peer", Value: 2.3, Low: 2.2, High: 2.4}, Target: report.AtMost(2)},
			{Name: "resident memory", Unit: "MB", Ours: of(29.3), Target: report.AtMost(40)},
			{Name: "size", Unit: "MB", Ours: of(44.5), Note: "stripped"},
			{Name: "rows", Peer: "Python", Target: report.AtLeast(4), Note: "no python3"},
			{Name: "broken", Verdict: report.Failed, Note: "it\nended"},
		},
	}
	for i := range r.Lines {
		if r.Lines[i].Verdict == "" {
			r.Lines[i].Judge()
		}
	}
	return r
}

func TestWriteMarkdown(t *testing.T) {
	t.Parallel()
	const want = `| what | Sepal | peer | ratio | target | |
| --- | --- | --- | --- | --- | --- |
| the same twice | 46.1 µs | 45.9 µs, Sepal again | Sepal ÷ peer = **1.00** [0.980–1.03] | 0.930 – 1.07 | met |
| CPU per call | 46.1 µs | 20.0 µs, a \| b | Sepal ÷ peer = **2.30** [2.20–2.40] | ≤ 2.00 | **missed** |
| resident memory | 29.3 MB |  |  | ≤ 40.0 MB | met |
| size | 44.5 MB |  |  |  | stripped |
| rows | – | Python |  | ≥ 4.00 | not measured: no python3 |
| broken | – |  |  |  | **failed**: it ended |

Rounds of 2.00 s in fresh processes, the median of 5, the least and the largest in brackets; servers on processor 1 with GOMAXPROCS=1, their clients on processor 0.
A Processor, 2 cores, linux/amd64 6.1, go1.26; sepal v1.
`
	var got bytes.Buffer
	r := sample()
	if err := r.WriteMarkdown(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("the table (-want +got):\n%s", diff)
	}

	got.Reset()
	r.Lines[0].Verdict = report.Missed
	if err := r.WriteMarkdown(&got); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got.String(), "worth nothing") {
		t.Errorf("the table does not warn of a busy machine:\n%s", got.String())
	}
}

func TestWriteJSON(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	if err := sample().WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	var got report.Report
	if err := json.Unmarshal(text.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample(), &got); diff != "" {
		t.Errorf("what comes back (-want +got):\n%s", diff)
	}
}

func TestShort(t *testing.T) {
	t.Parallel()
	r := sample()
	err := r.Short()
	if want := "1 targets were missed, and 1 lines could not be measured"; err == nil || err.Error() != want {
		t.Errorf("got the error %v, expected %q", err, want)
	}
	r.Lines = []report.Line{r.Lines[0], r.Lines[2], r.Lines[3], r.Lines[4]}
	if err := r.Short(); err != nil {
		t.Errorf("got the error %v, expected none", err)
	}
}
