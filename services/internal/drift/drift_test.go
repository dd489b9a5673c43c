package drift_test

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	monitoringv1 "github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1"
	"github.com/sepal-ml/sepal/services/internal/drift"
)

const (
	noReference = monitoringv1.DriftState_DRIFT_STATE_NO_REFERENCE
	notEnough   = monitoringv1.DriftState_DRIFT_STATE_NOT_ENOUGH_DATA
	stable      = monitoringv1.DriftState_DRIFT_STATE_STABLE
	drifted     = monitoringv1.DriftState_DRIFT_STATE_DRIFTED
)

// clock is a time that a test sets.
type clock struct{ after atomic.Int64 }

var midnight = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func (c *clock) now() time.Time           { return midnight.Add(time.Duration(c.after.Load())) }
func (c *clock) forward(by time.Duration) { c.after.Add(int64(by)) }

// mixedModel takes a length from 0 to 10 in three bins, and a colour.
func mixedModel() *modelv1.Model {
	return &modelv1.Model{
		Name: "mixed", Version: "v2.0.0", Classes: []string{"a", "b"},
		Signature: &modelv1.Signature{Features: []*modelv1.Feature{
			{Name: "length_cm", Kind: &modelv1.Feature_Numeric{Numeric: &modelv1.NumericFeature{Min: proto.Float64(0), Max: proto.Float64(10)}}},
			{Name: "colour", Kind: &modelv1.Feature_Categorical{Categorical: &modelv1.CategoricalFeature{Categories: []string{"red", "blue", "green"}}}},
		}},
		Training: &modelv1.TrainingReport{HoldOut: &modelv1.HoldOutMetrics{Accuracy: 0.875}},
		Reference: &modelv1.ReferenceProfile{
			Rows: 1000,
			Features: []*modelv1.FeatureProfile{
				{Edges: []float64{2, 5}, Shares: []float64{0.25, 0.25, 0.5}},
				{MissingShare: 0.5, Shares: []float64{0.5, 0.25, 0.25}},
			},
			PredictedClassShares: []float64{0.75, 0.25},
			MeanConfidence:       0.8,
		},
	}
}

// TestReport counts eight rows by hand.
func TestReport(t *testing.T) {
	t.Parallel()
	c := new(clock)
	w := drift.NewWindow(mixedModel(), drift.Options{MinRows: 4, ConfidenceThreshold: 0.6, Now: c.now})
	c.forward(time.Minute)
	for i, v := range []float64{-1, 1.9, 2, 5, math.Nextafter(5, 0), 11, 10, 0} {
		w.Add([]float64{v, float64(i % 3)}, []bool{false, i >= 6}, i%2, []float64{0.5, 1}[i%2])
	}
	w.Add([]float64{1}, nil, 0, 1)                       // too short
	w.Add([]float64{1, 1}, nil, 2, 1)                    // no such class
	w.Add([]float64{1, 1}, nil, -1, 1)                   // nor such
	w.Add([]float64{1, 1}, []bool{true}, 0, 1)           // too short
	w.Batch().Add([]float64{1, 1}, nil, 0, 1)            // dropped
	got, want := w.Report(), &monitoringv1.DriftReport{} // filled in below
	if err := prototext.Unmarshal([]byte(`
		model: "mixed" version: "v2.0.0" state: DRIFT_STATE_STABLE rows: 8 rows_needed: 4 reference_rows: 1000
		since: {seconds: 1772323200} until: {seconds: 1772323260} window: {seconds: 3600}
		features: {
			feature: "length_cm" state: DRIFT_STATE_STABLE out_of_range_share: 0.25
			edges: 2 edges: 5 reference_shares: 0.25 reference_shares: 0.25 reference_shares: 0.5
			shares: 0.375 shares: 0.25 shares: 0.375
		}
		features: {
			feature: "colour" state: DRIFT_STATE_STABLE missing_share: 0.25 reference_missing_share: 0.5
			categories: "red" categories: "blue" categories: "green"
			reference_shares: 0.5 reference_shares: 0.25 reference_shares: 0.25
			shares: 0.3333333333333333 shares: 0.3333333333333333 shares: 0.3333333333333333
		}
		predictions: {
			state: DRIFT_STATE_STABLE classes: "a" classes: "b" reference_shares: 0.75 reference_shares: 0.25
			shares: 0.5 shares: 0.5 mean_confidence: 0.75 reference_mean_confidence: 0.8
			estimated_accuracy: 0.75 reference_accuracy: 0.875 low_confidence_share: 0.5 confidence_threshold: 0.6
		}`), want); err != nil {
		t.Fatal(err)
	}
	for _, f := range got.GetFeatures() {
		if d := f.GetDivergence(); !near(d.GetPsi(), drift.PSI(f.GetReferenceShares(), f.GetShares()), 1e-15) || d.GetPsiCritical() <= 0 {
			t.Errorf("of %s got %v", f.GetFeature(), d)
		}
		f.Divergence = nil
	}
	if d := got.GetPredictions().GetDivergence(); !near(d.GetJensenShannon(), drift.JensenShannon([]float64{0.75, 0.25}, []float64{0.5, 0.5}), 1e-15) {
		t.Errorf("of the predictions got %v", d)
	}
	got.Predictions.Divergence = nil
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestReportOfNoRow(t *testing.T) {
	t.Parallel()
	got := drift.NewWindow(mixedModel(), drift.Options{}).Report()
	if got.GetState() != notEnough || got.GetRows() != 0 || got.GetRowsNeeded() != 200 || got.GetWindow().AsDuration() != time.Hour {
		t.Errorf("got %v", got)
	}
	for _, f := range got.GetFeatures() {
		if f.GetState() != notEnough || f.GetDivergence() != nil || !slices.Equal(f.GetShares(), []float64{0, 0, 0}) {
			t.Errorf("got %v", f)
		}
	}
	if p := got.GetPredictions(); p.GetState() != notEnough || p.GetDivergence() != nil || p.EstimatedAccuracy != nil {
		t.Errorf("got %v", p)
	}
}

func TestReportWithoutReference(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*modelv1.Model){
		"no profile":            func(m *modelv1.Model) { m.Reference = nil },
		"of no rows":            func(m *modelv1.Model) { m.Reference.Rows = 0 },
		"of too few features":   func(m *modelv1.Model) { m.Reference.Features = m.Reference.Features[:1] },
		"of no features at all": func(m *modelv1.Model) { m.Reference.Features = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := mixedModel()
			change(m)
			w := drift.NewWindow(m, drift.Options{})
			for range 1000 {
				w.Add([]float64{1, 1}, nil, 0, 1)
			}
			got := w.Report()
			if got.GetState() != noReference || got.GetRows() != 1000 || got.GetReferenceRows() != 0 || got.Features != nil || got.Predictions != nil {
				t.Errorf("got %v", got)
			}
		})
	}
}

// TestOddProfilesOfAFeature: what cannot be is as if it were not there, for that feature alone.
func TestOddProfilesOfAFeature(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(length, colour *modelv1.FeatureProfile){
		"edges descend":          func(length, _ *modelv1.FeatureProfile) { length.Edges = []float64{5, 2} },
		"edges are equal":        func(length, _ *modelv1.FeatureProfile) { length.Edges = []float64{2, 2} },
		"an edge is not finite":  func(length, _ *modelv1.FeatureProfile) { length.Edges[1] = math.Inf(1) },
		"an edge is no number":   func(length, _ *modelv1.FeatureProfile) { length.Edges[0] = math.NaN() },
		"more edges than shares": func(length, _ *modelv1.FeatureProfile) { length.Edges = []float64{1, 2, 3} },
		"no shares":              func(length, _ *modelv1.FeatureProfile) { length.Shares = nil },
		"shares sum to 2":        func(length, _ *modelv1.FeatureProfile) { length.Shares = []float64{1, 0.5, 0.5} },
		"a share is negative":    func(length, _ *modelv1.FeatureProfile) { length.Shares = []float64{-0.5, 1, 0.5} },
		"a share is no number":   func(length, _ *modelv1.FeatureProfile) { length.Shares[0] = math.NaN() },
		"no row has a value":     func(length, _ *modelv1.FeatureProfile) { length.MissingShare = 1 },
		"missing is no number":   func(length, _ *modelv1.FeatureProfile) { length.MissingShare = math.NaN() },
		"edges of a category":    func(_, colour *modelv1.FeatureProfile) { colour.Edges = []float64{1, 2} },
		"too few categories":     func(_, colour *modelv1.FeatureProfile) { colour.Shares = []float64{0.5, 0.5} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := mixedModel()
			before := proto.CloneOf(m)
			change(m.Reference.Features[0], m.Reference.Features[1])
			w := drift.NewWindow(m, drift.Options{})
			for range 300 {
				w.Add([]float64{99, 0}, nil, 0, 1)
				w.Add([]float64{1, 1}, []bool{true, true}, 0, 1)
			}
			got := w.Report()
			for i, f := range got.GetFeatures() {
				if f.GetMissingShare() != 0.5 || i == 0 && f.GetOutOfRangeShare() != 1 {
					t.Errorf("got %v", f)
				}
				odd := !proto.Equal(before.Reference.Features[i], m.Reference.Features[i])
				if odd && (f.GetState() != noReference || f.Divergence != nil || f.Edges != nil || f.ReferenceShares != nil) {
					t.Errorf("got %v", f)
				}
				if !odd && f.GetState() != drifted {
					t.Errorf("got %v", f)
				}
			}
			if got.GetState() != drifted {
				t.Errorf("got %v", got.GetState())
			}
		})
	}
}

func TestOddSharesOfClasses(t *testing.T) {
	t.Parallel()
	m := mixedModel()
	m.Reference.PredictedClassShares = []float64{1}
	w := drift.NewWindow(m, drift.Options{MinRows: 1})
	w.Add([]float64{1, 1}, nil, 1, 0.25)
	p := w.Report().GetPredictions()
	if p.GetState() != noReference || p.Divergence != nil || p.ReferenceShares != nil || !slices.Equal(p.GetShares(), []float64{0, 1}) || p.GetMeanConfidence() != 0.25 {
		t.Errorf("got %v", p)
	}
}

// TestAFeatureThatIsMostlyMissing needs as many values as the others need rows.
func TestAFeatureThatIsMostlyMissing(t *testing.T) {
	t.Parallel()
	w := drift.NewWindow(mixedModel(), drift.Options{})
	for i := range 400 {
		w.Add([]float64{float64(i % 10), 0}, []bool{false, i%4 > 0}, min(i%4/3, 1), 0.8)
	}
	got := w.Report()
	if length, colour := got.GetFeatures()[0], got.GetFeatures()[1]; length.GetState() != stable || colour.GetState() != notEnough || colour.GetDivergence().GetPsi() < 0.2 {
		t.Errorf("got %v and %v", length, colour)
	}
	if got.GetState() != stable {
		t.Errorf("got %v", got.GetState())
	}
}

// TestTheWindowSlides: a row counts until its step of time leaves the window.
func TestTheWindowSlides(t *testing.T) {
	t.Parallel()
	c := new(clock)
	w := drift.NewWindow(mixedModel(), drift.Options{Window: 12 * time.Minute, Now: c.now})
	row := []float64{1, 1}
	for minute := range 40 {
		for range minute + 1 {
			w.Add(row, nil, 0, 1)
		}
		c.forward(30 * time.Second)
		var want uint64
		first := max(minute-11, 0)
		for i := first; i <= minute; i++ {
			want += uint64(i + 1)
		}
		got := w.Report()
		if since := midnight.Add(time.Duration(first) * time.Minute); got.GetRows() != want || !got.GetSince().AsTime().Equal(since) || !got.GetUntil().AsTime().Equal(c.now()) {
			t.Errorf("in minute %d got %d rows since %v, expected %d since %v", minute, got.GetRows(), got.GetSince().AsTime(), want, since)
		}
		c.forward(30 * time.Second)
	}
	c.forward(time.Hour)
	if n := w.Report().GetRows(); n != 0 {
		t.Errorf("got %d rows of an hour ago", n)
	}
	w.Add(row, nil, 0, 1)
	// As a clock that is set back, and not by more than the window: the row counts in the step
	// that there is by then, or in the latest that its shard has seen.
	c.forward(-5 * time.Minute)
	w.Add(row, nil, 0, 1)
	c.forward(5 * time.Minute)
	if n := w.Report().GetRows(); n != 2 {
		t.Errorf("got %d rows, expected 2", n)
	}
}

// TestNoCountIsLost adds from many goroutines, while steps begin and reports are made.
func TestNoCountIsLost(t *testing.T) {
	t.Parallel()
	const adders, rows = 8, 3000
	c := new(clock)
	w := drift.NewWindow(mixedModel(), drift.Options{Window: 12 * time.Second, Now: c.now})
	var work, watch sync.WaitGroup
	for g := range adders {
		work.Go(func() {
			batch := w.Batch()
			for i := range rows {
				row := []float64{float64(i % 10), float64(i % 3)}
				if g%2 == 0 {
					w.Add(row, nil, i%2, 0.5)
				} else if batch.Add(row, nil, i%2, 0.5); i%7 == 0 || i == rows-1 {
					batch.Flush()
					batch = w.Batch()
				}
				if g == 0 && i%(rows/10) == rows/20 {
					c.forward(time.Second)
				}
			}
		})
	}
	done := make(chan struct{})
	watch.Go(func() {
		for last := uint64(0); ; {
			n := w.Report().GetRows()
			if n < last || n > adders*rows {
				t.Errorf("got %d rows, after %d", n, last)
			}
			last = n
			select {
			case <-done:
				return
			default:
			}
		}
	})
	work.Wait()
	close(done)
	watch.Wait()
	got := w.Report()
	if got.GetRows() != adders*rows {
		t.Errorf("got %d rows, expected %d", got.GetRows(), adders*rows)
	}
	third := float64(1) / 3
	if shares := got.GetFeatures()[1].GetShares(); !slices.Equal(shares, []float64{third, third, third}) {
		t.Errorf("got the shares %v", shares)
	}
	if shares := got.GetFeatures()[0].GetShares(); !slices.Equal(shares, []float64{0.2, 0.3, 0.5}) {
		t.Errorf("got the shares %v", shares)
	}
}

// TestBatchesAddUp: rows in batches count as the same rows one by one, to the last digit.
func TestBatchesAddUp(t *testing.T) {
	t.Parallel()
	c := new(clock)
	single, batched := drift.NewWindow(mixedModel(), drift.Options{Now: c.now}), drift.NewWindow(mixedModel(), drift.Options{Now: c.now})
	batch := batched.Batch()
	for i := range 5000 {
		x := math.Abs(math.Sin(float64(i)))
		row, missing := []float64{12 * x, float64(i % 3)}, []bool{i%5 == 0, i%11 == 0}
		single.Add(row, missing, i%2, x)
		if batch.Add(row, missing, i%2, x); i%(1+i/9) == 0 {
			batch.Flush()
			batch = batched.Batch()
		}
	}
	batch.Flush()
	if diff := cmp.Diff(single.Report(), batched.Report(), protocmp.Transform()); diff != "" {
		t.Errorf("-one by one +in batches:\n%s", diff)
	}
}

// TestOddConfidences: nothing that a caller passes turns the mean into something else than one.
func TestOddConfidences(t *testing.T) {
	t.Parallel()
	w := drift.NewWindow(mixedModel(), drift.Options{})
	for _, confidence := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 1 + 1e-12, 0} {
		w.Add([]float64{1, 1}, nil, 0, confidence)
	}
	if p := w.Report().GetPredictions(); !near(p.GetMeanConfidence(), 2.0/6, 1e-9) || !near(p.GetLowConfidenceShare(), 4.0/6, 1e-12) {
		t.Errorf("got %v", p)
	}
}

// TestAddDoesNotAllocate measures, so it runs alone.
func TestAddDoesNotAllocate(t *testing.T) {
	c := new(clock)
	w := drift.NewWindow(mixedModel(), drift.Options{Now: c.now})
	row, missing := []float64{1, 1}, []bool{false, true}
	if n := testing.AllocsPerRun(1000, func() { w.Add(row, missing, 1, 0.5) }); n != 0 {
		t.Errorf("a row allocates %v times", n)
	}
	if n := testing.AllocsPerRun(1000, func() {
		b := w.Batch()
		b.Add(row, missing, 1, 0.5)
		b.Flush()
	}); n != 0 {
		t.Errorf("a batch allocates %v times", n)
	}
}

// TestNobodyWaits: where others hold all shards, rows go to their slot.
func TestNobodyWaits(t *testing.T) {
	t.Parallel()
	w := drift.NewWindow(mixedModel(), drift.Options{})
	release := w.HoldShards()
	for i := range 3 {
		w.Add([]float64{1, float64(i)}, nil, 0, 0.5)
	}
	b := w.Batch()
	b.Add([]float64{9, 1}, nil, 1, 1)
	b.Flush()
	release()
	w.Add([]float64{9, 1}, nil, 1, 1)
	got := w.Report()
	if got.GetRows() != 5 || !slices.Equal(got.GetFeatures()[1].GetShares(), []float64{0.2, 0.6, 0.2}) || got.GetPredictions().GetMeanConfidence() != 0.7 {
		t.Errorf("got %v", got)
	}
}

func TestARowMakesEnough(t *testing.T) {
	t.Parallel()
	w := drift.NewWindow(mixedModel(), drift.Options{MinRows: 300})
	for rows := 1; rows <= 300; rows++ {
		w.Add([]float64{1, 1}, nil, 0, 0.5)
		want := notEnough
		if rows == 300 {
			want = drifted
		}
		if rows < 299 {
			continue
		}
		got := w.Report()
		if got.GetState() != want || got.GetFeatures()[1].GetState() != want || got.GetPredictions().GetDivergence() == nil {
			t.Errorf("of %d rows got %v", rows, got)
		}
	}
}
