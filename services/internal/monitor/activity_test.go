package monitor_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	monitoringv1 "github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/monitor"
)

const step = 5 * time.Second

// request counts one of a row.
func request(m *monitor.Monitor, tally *monitor.Tally, took time.Duration) {
	m.Requests().Begin()
	tally.Add(setosa, nil, 0, 0.75)
	m.Requests().End(monitor.Answered, true, took)
}

func TestActivityIsOfTheLastSteps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		models := newModels(t, "v1.0.0")
		start := time.Now()
		m := models.monitor()
		tally := m.Tally(models.version(t, ""), "stable")
		if a := m.Activity(""); len(a.GetPoints()) != 0 || !a.GetSince().AsTime().Equal(start) || a.GetStep().AsDuration() != step || a.GetConfidenceThreshold() != 0.5 {
			t.Errorf("at the start: %v", a)
		}
		request(m, tally, 10*time.Millisecond)
		m.Requests().Begin()
		m.Requests().End(monitor.Refused, true, time.Millisecond)
		m.Requests().Begin()
		m.Requests().End(monitor.Failed, false, time.Hour)
		tally.Add(setosa, nil, 1, 0.25)
		time.Sleep(4*step + time.Second) // three steps of nothing
		m.Requests().Begin()
		a := m.Activity("")
		if a.GetInFlight() != 1 {
			t.Errorf("%d are in flight, expected 1", a.GetInFlight())
		}
		want := []*monitoringv1.ActivityPoint{
			{Requests: 3, Refused: 1, Failed: 1, Predictions: 2, MeanConfidence: 0.5, LowConfidence: 1},
			{}, {}, {},
		}
		for i, p := range want {
			p.Start = timestamppb.New(start.Add(time.Duration(i) * step))
		}
		if diff := cmp.Diff(want, a.GetPoints(), protocmp.Transform(), protocmp.IgnoreFields(&monitoringv1.ActivityPoint{}, "latency")); diff != "" {
			t.Errorf("points (-want +got):\n%s", diff)
		}
		if a.GetPoints()[1].GetLatency() != nil {
			t.Error("a step without requests has a latency")
		}
		near(t, "the median", a.GetPoints()[0].GetLatency().GetP50Seconds(), 0.001)
		if got := a.GetPoints()[0].GetLatency().GetMaxSeconds(); got != 0.01 {
			t.Errorf("the longest is %v, expected 0.01, that of the unary ones", got)
		}
		m.Requests().End(monitor.Answered, true, time.Second)
	})
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 0.05*want {
		t.Errorf("%s is %v, expected %v within 5 %%", what, got, want)
	}
}

func TestPointsHaveNoGaps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		models := newModels(t, "v1.0.0")
		m := models.monitor()
		start := time.Now()
		tally := m.Tally(models.version(t, ""), "stable")
		for _, pause := range []time.Duration{step, 3 * step, 30 * step, 100 * step, step / 2, step} {
			request(m, tally, time.Millisecond)
			time.Sleep(pause)
		}
		points := m.Activity("").GetPoints()
		ended := int(time.Since(start) / step)
		if len(points) != 60 {
			t.Fatalf("%d points, expected 60", len(points))
		}
		var requests uint64
		for i, p := range points {
			if want := start.Add(time.Duration(ended-60+i) * step); !p.GetStart().AsTime().Equal(want) {
				t.Errorf("point %d begins at %v, expected %v", i, p.GetStart().AsTime(), want)
			}
			requests += p.GetRequests()
			if p.GetRequests() != p.GetPredictions() {
				t.Errorf("point %d has %d requests of a row, and %d rows", i, p.GetRequests(), p.GetPredictions())
			}
		}
		if requests != 2 {
			t.Errorf("%d requests within 60 steps, expected 2", requests)
		}
	})
}

// TestStreamsShowWhileTheyAreOpen shows that the rows of a long stream are in the steps in which
// they were answered, though nothing begins or ends.
func TestStreamsShowWhileTheyAreOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		models := newModels(t, "v1.0.0")
		m := models.monitor()
		tally := m.Tally(models.version(t, ""), "stable")
		m.Requests().Begin()
		for i := range 4 {
			for range i + 1 {
				tally.Add(setosa, nil, 0, 1)
			}
			time.Sleep(step)
			synctest.Wait()
		}
		for i, p := range m.Activity("").GetPoints() {
			if p.GetPredictions() != uint64(i+1) || p.GetRequests() != 0 {
				t.Errorf("point %d has %d predictions and %d requests, expected %d and none", i, p.GetPredictions(), p.GetRequests(), i+1)
			}
		}
		m.Requests().End(monitor.Answered, false, 4*step)
	})
}

func TestPercentilesAreWithinAFewPerCent(t *testing.T) {
	t.Parallel()
	for _, unit := range []time.Duration{time.Nanosecond, 37 * time.Nanosecond, time.Microsecond, 333 * time.Microsecond, time.Millisecond, 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			models := newModels(t, "v1.0.0")
			m := models.monitor()
			for i := range 100 {
				m.Requests().Begin()
				m.Requests().End(monitor.Answered, true, time.Duration(i+1)*unit)
			}
			time.Sleep(step)
			l, second := m.Activity("").GetPoints()[0].GetLatency(), unit.Seconds()
			near(t, "the median", l.GetP50Seconds(), 50*second)
			near(t, "the 90th percentile", l.GetP90Seconds(), 90*second)
			near(t, "the 99th percentile", l.GetP99Seconds(), 99*second)
			if got := l.GetMaxSeconds(); got != (100 * unit).Seconds() {
				t.Errorf("the longest is %v, expected %v", got, (100 * unit).Seconds())
			}
		})
	}
}

func TestVersionsThatAnsweredOrAreLive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		models := newModels(t, "v1.0.0", "v1.1.0", "v1.2.0")
		models.rollOut(t, func(r *registryv1.Rollout) {
			r.Stable = "v1.0.0"
			r.Variants = []*registryv1.Variant{{Name: "canary", Version: "v1.1.0", Weight: 100}}
		})
		m := models.monitor()
		classes := []string{"setosa", "versicolor", "virginica"}
		m.Tally(models.version(t, "v1.0.0"), "stable").Add(setosa, nil, 2, 0.25)
		m.Tally(models.version(t, "v1.2.0"), "").Add(setosa, nil, 1, 0.75)
		time.Sleep(step)
		want := []*monitoringv1.VersionActivity{
			{Model: "iris", Version: "v1.2.0", Predictions: 1, Classes: classes, ClassCounts: []uint64{0, 1, 0}, MeanConfidence: 0.75},
			{Model: "iris", Version: "v1.1.0", Variant: "canary", Classes: classes, ClassCounts: []uint64{0, 0, 0}},
			{Model: "iris", Version: "v1.0.0", Variant: "stable", Predictions: 1, Classes: classes, ClassCounts: []uint64{0, 0, 1}, MeanConfidence: 0.25, LowConfidence: 1},
		}
		requireVersions(t, "after a step", m, want)

		models.remove(t, "v1.2.0")
		requireVersions(t, "of a version that is gone", m, append(want[1:3:3], want[0]))

		time.Sleep(60 * step)
		want[2].Predictions, want[2].ClassCounts, want[2].MeanConfidence, want[2].LowConfidence = 0, []uint64{0, 0, 0}, 0, 0
		requireVersions(t, "when the points are past", m, want[1:])
		if a := m.Activity("loan"); len(a.GetVersions()) != 0 {
			t.Errorf("of another model there are %v", a.GetVersions())
		}
	})
}

func requireVersions(t *testing.T, when string, m *monitor.Monitor, want []*monitoringv1.VersionActivity) {
	t.Helper()
	if diff := cmp.Diff(want, m.Activity("iris").GetVersions(), protocmp.Transform()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

// BenchmarkTally is what each request pays to find what to add to.
func BenchmarkTally(b *testing.B) {
	models := newModels(b, "v1.0.0")
	m := models.monitor()
	v := models.version(b, "")
	b.Run("find", func(b *testing.B) {
		for b.Loop() {
			m.Tally(v, "stable")
		}
	})
	tally := m.Tally(v, "stable")
	b.Run("row", func(b *testing.B) {
		for b.Loop() {
			tally.Add(setosa, nil, 0, 0.9)
		}
	})
	b.Run("request", func(b *testing.B) {
		for b.Loop() {
			m.Requests().Begin()
			m.Requests().End(monitor.Answered, true, time.Millisecond)
		}
	})
	b.Run("block of 1000", func(b *testing.B) {
		for b.Loop() {
			block := tally.Block()
			for range 1000 {
				block.Add(setosa, nil, 0, 0.9)
			}
			block.Flush()
		}
	})
}
