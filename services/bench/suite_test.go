package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sepal-ml/sepal/services/bench/internal/compare"
	"github.com/sepal-ml/sepal/services/bench/internal/report"
)

// rounds have Sepal first, at half the throughput and twice the cost of its peer.
func rounds() [][]compare.Cost {
	return [][]compare.Cost{{
		{Units: 1000, CPU: 40 * time.Millisecond, Elapsed: time.Second},
		{Units: 2000, CPU: 40 * time.Millisecond, Elapsed: time.Second},
	}}
}

func TestVersus(t *testing.T) {
	t.Parallel()
	of := func(v float64) *float64 { return &v }
	near := cmpopts.EquateApprox(0, 1e-9)
	l := report.Line{Name: "calls", Peer: "it", Target: report.AtMost(2.5)}

	want := l
	want.Unit, want.Ours, want.Theirs = "µs", of(40), of(20)
	want.Ratio = &report.Ratio{Of: "Sepal ÷ peer", Value: 2, Low: 2, High: 2}
	if diff := cmp.Diff(want, versus(l, rounds(), 1, cpuPerUnit()), near); diff != "" {
		t.Errorf("versus (-want +got):\n%s", diff)
	}
	want.Ratio = &report.Ratio{Of: "peer ÷ Sepal", Value: 0.5, Low: 0.5, High: 0.5}
	if diff := cmp.Diff(want, over(l, rounds(), 1, cpuPerUnit()), near); diff != "" {
		t.Errorf("over (-want +got):\n%s", diff)
	}
	want.Unit, want.Ours, want.Theirs = "rows/s", of(1000), of(2000)
	want.Ratio = &report.Ratio{Of: "Sepal ÷ peer", Value: 0.5, Low: 0.5, High: 0.5}
	if diff := cmp.Diff(want, versus(l, rounds(), 1, perSecond("rows")), near); diff != "" {
		t.Errorf("versus by throughput (-want +got):\n%s", diff)
	}
}

// TestMeasure has one measurement of each outcome.
func TestMeasure(t *testing.T) {
	t.Parallel()
	one := func(lines []report.Line, err error) func(*suite, context.Context) ([]report.Line, error) {
		return func(*suite, context.Context) ([]report.Line, error) { return lines, err }
	}
	v := 1.0
	list := []measurement{
		{"a", "first", one([]report.Line{{Name: "good", Ours: &v, Target: report.AtMost(2)}, {Name: "bad", Ours: &v, Target: report.AtMost(0)}}, nil)},
		{"b", "second", one([]report.Line{(&suite{servers: servers{noPython: "no python3"}}).withoutPython(report.Line{Name: "snake", Target: report.AtLeast(4)})}, nil)},
		{"c", "left out", one(nil, errors.New("must not run"))},
		{"a", "third", one([]report.Line{{Name: "half", Ours: &v}}, errors.New("broke off"))},
	}
	s := &suite{log: io.Discard}
	if err := s.run(t.Context(), list, []string{"a", "b"}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range s.report.Lines {
		got = append(got, fmt.Sprint(l.Group, " ", l.Name, ": ", l.Verdict, ", ", l.Note))
	}
	want := []string{
		"a good: met, ",
		"a bad: missed, ",
		"b snake: not measured, no python3",
		"a half: for information, ",
		"a third: failed, broke off",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the lines (-want +got):\n%s", diff)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.run(ctx, list, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupted run returns %v", err)
	}
}

func TestCheckOnly(t *testing.T) {
	t.Parallel()
	if err := checkOnly(groups()); err != nil {
		t.Error(err)
	}
	if err := checkOnly([]string{"predict", "everything"}); err == nil {
		t.Error("a group that there is not was taken")
	}
	if names := groups(); len(names) != len(slices.Compact(slices.Sorted(slices.Values(names)))) {
		t.Errorf("the groups %v are not unique", names)
	}
}

func TestUnset(t *testing.T) {
	t.Parallel()
	got := unset([]string{"PATH=/bin", "HOST=0.0.0.0", "SEPAL_LOG_LEVEL=debug", "MODEL_PATH=m", "PORT=1", "HOSTNAME=h", "GOGC=50", "OTEL_TRACES_EXPORTER=otlp", "SENTRY_DSN=x"})
	want := []string{"HOST=", "SEPAL_LOG_LEVEL=", "MODEL_PATH=", "PORT=", "OTEL_TRACES_EXPORTER=", "SENTRY_DSN="}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what is unset (-want +got):\n%s", diff)
	}
}
