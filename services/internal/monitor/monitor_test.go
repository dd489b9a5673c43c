package monitor_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	monitoringv1 "github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/monitor"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/registry/folder"
	"github.com/sepal-ml/sepal/services/internal/rollout"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

var setosa = []float64{5.1, 3.5, 1.4, 0.2}

// models are those of a folder, and how they are changed.
type models struct {
	*registry.Live
	root string
}

func newModels(t testing.TB, versions ...string) *models {
	t.Helper()
	root := testenv.IrisRegistry(t, versions...)
	store, err := folder.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	live, err := registry.Open(t.Context(), store, registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &models{live, root}
}

func (m *models) monitor() *monitor.Monitor {
	return monitor.New(monitor.Options{Current: m.Current, ConfidenceThreshold: 0.5, DriftMinRows: 1})
}

// rollOut changes the rollout of the only model.
func (m *models) rollOut(t testing.TB, change func(*registryv1.Rollout)) {
	t.Helper()
	now, err := m.Current().Model("")
	if err != nil {
		t.Fatal(err)
	}
	wanted := proto.CloneOf(now.Rollout)
	change(wanted)
	if _, err := m.SetRollout(t.Context(), wanted, rollout.Change{}); err != nil {
		t.Fatal(err)
	}
}

func (m *models) version(t testing.TB, name string) *registry.Version {
	t.Helper()
	v, err := m.Current().Resolve("", name)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// remove takes the file of a version away, and with it a version that answers nobody.
func (m *models) remove(t testing.TB, version string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(m.root, "iris", version)); err != nil {
		t.Fatal(err)
	}
	m.reload(t)
}

func (m *models) add(t testing.TB, version string) {
	t.Helper()
	path := filepath.Join(m.root, "iris", version)
	if err := os.MkdirAll(path, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "model.binpb"), testenv.IrisFile(t, version), 0o600); err != nil {
		t.Fatal(err)
	}
	m.reload(t)
}

func (m *models) reload(t testing.TB) {
	t.Helper()
	if _, err := m.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// summary is "version variant: rows of each class" of what is counted.
func summary(counts []monitor.Counts) []string {
	list := []string{}
	for _, c := range counts {
		list = append(list, fmt.Sprintf("%s %s: %v", c.Version, c.Variant, c.ClassCounts))
	}
	return list
}

func TestRowsAreCountedByVersionAndVariant(t *testing.T) {
	t.Parallel()
	models := newModels(t, "v1.0.0", "v1.1.0")
	models.rollOut(t, func(r *registryv1.Rollout) {
		r.Stable = "v1.0.0"
		r.Variants = []*registryv1.Variant{{Name: "canary", Version: "v1.1.0", Weight: 100}, {Version: "v1.0.0", Weight: 0}}
	})
	m := models.monitor()
	one, two := models.version(t, "v1.0.0"), models.version(t, "v1.1.0")
	m.Tally(one, "stable").Add(setosa, nil, 0, 0.75)
	m.Tally(one, "stable").Add(setosa, nil, 2, 0.5)
	if !m.Tally(one, "stable").Add(setosa, nil, 1, 0.49) {
		t.Error("0.49 is not unsure below 0.5")
	}
	if m.Tally(one, "stable").Add(setosa, nil, 1, 0.5) {
		t.Error("0.5 is unsure below 0.5")
	}
	m.Tally(two, "").Add(setosa, nil, 1, 1)
	got := m.Counts()
	want := []string{"v1.1.0 canary: [0 0 0]", "v1.1.0 : [0 1 0]", "v1.0.0 stable: [1 2 1]", "v1.0.0 v1.0.0: [0 0 0]"}
	if diff := cmp.Diff(want, summary(got)); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	stable := got[2]
	if stable.Confidence != [...]uint64{4: 3, 7: 1, 9: 0} || stable.Low != 1 || stable.Model != "iris" {
		t.Errorf("got %+v", stable)
	}
	if diff := stable.ConfidenceSum - 2.24; diff > 2e-6 || diff < -2e-6 {
		t.Errorf("the sum of the confidences is %v, expected 2.24", stable.ConfidenceSum)
	}
	if rows := m.Drift(one).GetRows(); rows != 4 {
		t.Errorf("drift is of %d rows, expected 4", rows)
	}
}

// TestEdgesBelongToTheBucketBelow holds the buckets to what Prometheus means by them.
func TestEdgesBelongToTheBucketBelow(t *testing.T) {
	t.Parallel()
	models := newModels(t, "v1.0.0")
	m := models.monitor()
	tally := m.Tally(models.version(t, ""), "stable")
	edges := monitor.ConfidenceEdges()
	for i, edge := range edges {
		before := m.Counts()[0].Confidence
		tally.Add(setosa, nil, 0, edge)
		tally.Add(setosa, nil, 0, edge-0.05)
		above := min(edge+1e-9, 1)
		tally.Add(setosa, nil, 0, above)
		before[i] += 2
		before[min(i+1, len(edges)-1)]++
		if got := m.Counts()[0].Confidence; got != before {
			t.Errorf("after %v, %v and %v: %v, expected %v", edge, edge-0.05, above, got, before)
		}
	}
	tally.Add(setosa, nil, 0, 0)
	if got := m.Counts()[0].Confidence[0]; got != 3 {
		t.Errorf("%d in the first bucket, expected 3 with the one of 0", got)
	}
}

func TestBlocksCountWhenTheyAreFlushed(t *testing.T) {
	t.Parallel()
	models := newModels(t, "v1.0.0")
	m := models.monitor()
	v := models.version(t, "")
	single, together := m.Tally(v, "stable"), m.Tally(v, "")
	dropped := together.Block()
	dropped.Add(setosa, nil, 0, 0.9)
	block := together.Block()
	for i := range 100 {
		confidence := float64(i) / 100
		if single.Add(setosa, nil, i%3, confidence) != block.Add(setosa, nil, i%3, confidence) {
			t.Errorf("%v is unsure for one of them", confidence)
		}
	}
	if n := len(m.Counts()); n != 1 {
		t.Errorf("%d tallies have counts before the block is flushed, expected 1", n)
	}
	block.Flush()
	counts := m.Counts()
	want := counts[0]
	want.Variant = ""
	if diff := cmp.Diff(want, counts[1]); diff != "" {
		t.Errorf("row by row, and together:\n%s", diff)
	}
	if rows := m.Drift(v).GetRows(); rows != 200 {
		t.Errorf("drift is of %d rows, expected 200", rows)
	}
}

func TestNothingCountsForNobody(t *testing.T) {
	t.Parallel()
	var tally *monitor.Tally
	block := tally.Block()
	if tally.Add(setosa, nil, 0, 0.1) || block.Add(setosa, nil, 0, 0.1) {
		t.Error("a prediction is unsure where nobody counts")
	}
	block.Flush()
}

func TestVersionsComeAndGo(t *testing.T) {
	t.Parallel()
	models := newModels(t, "v1.0.0")
	m := models.monitor()
	m.Tally(models.version(t, ""), "stable").Add(setosa, nil, 0, 0.9)

	models.add(t, "v1.1.0")
	models.rollOut(t, func(r *registryv1.Rollout) { r.Stable = "v1.0.0" })
	old := models.version(t, "v1.1.0")
	m.Tally(old, "").Add(setosa, nil, 1, 0.9)
	if diff := cmp.Diff([]string{"v1.1.0 : [0 1 0]", "v1.0.0 stable: [1 0 0]"}, summary(m.Counts())); diff != "" {
		t.Errorf("with another version (-want +got):\n%s", diff)
	}
	models.remove(t, "v1.1.0")
	m.Tally(old, "").Add(setosa, nil, 1, 0.9) // a request that began before
	if diff := cmp.Diff([]string{"v1.0.0 stable: [1 0 0]"}, summary(m.Counts())); diff != "" {
		t.Errorf("without it (-want +got):\n%s", diff)
	}
	models.add(t, "v1.1.0")
	if diff := cmp.Diff([]string{"v1.1.0 : [0 2 0]", "v1.0.0 stable: [1 0 0]"}, summary(m.Counts())); diff != "" {
		t.Errorf("when it is back (-want +got):\n%s", diff)
	}
	if n := len(m.Drifts()); n != 2 {
		t.Errorf("there are %d reports of drift, expected 2", n)
	}
}

// TestServedVersionsKeepTheirCounts shows that a version whose file is gone counts on.
func TestServedVersionsKeepTheirCounts(t *testing.T) {
	t.Parallel()
	models := newModels(t, "v1.0.0", "v0.9.0")
	models.rollOut(t, func(r *registryv1.Rollout) { r.Stable = "v1.0.0" })
	m := models.monitor()
	before := models.version(t, "")
	m.Tally(before, "stable").Add(setosa, nil, 0, 0.9)
	models.remove(t, "v1.0.0")
	after := models.version(t, "")
	if before == after || after.Problem == "" {
		t.Fatal("the version has no problem, expected that its file is gone")
	}
	m.Tally(after, "stable").Add(setosa, nil, 0, 0.9)
	m.Tally(before, "stable").Add(setosa, nil, 0, 0.9)
	if diff := cmp.Diff([]string{"v1.0.0 stable: [3 0 0]"}, summary(m.Counts())); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

// TestCountingCostsLittle holds what every request pays to no allocation.
func TestCountingCostsLittle(t *testing.T) { //nolint:paralleltest // allocations are counted for the whole process
	models := newModels(t, "v1.0.0")
	m := models.monitor()
	v := models.version(t, "")
	if got := testing.AllocsPerRun(1000, func() {
		m.Requests().Begin()
		m.Tally(v, "stable").Add(setosa, nil, 0, 0.9)
		m.Requests().End(monitor.Answered, true, time.Millisecond)
	}); got > 0 {
		t.Errorf("%v allocations, expected none", got)
	}
}

// TestManyCountAtOnce loses nothing while versions change, and steps end.
func TestManyCountAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		models := newModels(t, "v1.0.0")
		models.rollOut(t, func(r *registryv1.Rollout) { r.Stable = "v1.0.0" })
		m := models.monitor()
		const workers, rows = 8, 300
		var done sync.WaitGroup
		for range workers {
			done.Go(func() {
				for i := range rows {
					m.Requests().Begin()
					a, err := models.Current().Assign("", "", "")
					if err != nil {
						t.Error(err)
						return
					}
					m.Tally(a.Version, a.Variant).Add(setosa, nil, i%3, 0.9)
					time.Sleep(20 * time.Millisecond)
					m.Requests().End(monitor.Answered, true, time.Millisecond)
				}
			})
		}
		for i := range 20 {
			models.rollOut(t, func(r *registryv1.Rollout) {
				r.Variants = []*registryv1.Variant{{Name: fmt.Sprint("dark", i), Version: "v1.0.0"}}
			})
			time.Sleep(150 * time.Millisecond)
			m.Activity("")
		}
		done.Wait()
		time.Sleep(time.Minute)
		var requests, predictions, sum uint64
		activity := m.Activity("")
		for _, p := range activity.GetPoints() {
			requests, predictions = requests+p.GetRequests(), predictions+p.GetPredictions()
		}
		for _, c := range m.Counts()[0].ClassCounts {
			sum += c
		}
		const want = workers * rows
		if requests != want || predictions != want || sum != want || activity.GetInFlight() != 0 {
			t.Errorf("%d requests, %d predictions by time, %d in all, %d in flight: expected %d, and none in flight", requests, predictions, sum, activity.GetInFlight(), want)
		}
	})
}

// TestVariantsOfThePast shows that an endless row of variants takes bounded memory, and that those
// used last are kept.
func TestVariantsOfThePast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		models := newModels(t, "v1.0.0")
		m := models.monitor()
		v := models.version(t, "")
		m.Tally(v, "stable").Add(setosa, nil, 0, 0.9)
		for i := range 100 {
			m.Tally(v, fmt.Sprintf("canary-%02d", i)).Add(setosa, nil, 0, 0.9)
			time.Sleep(5 * time.Second)
			m.Activity("")
		}
		counts := m.Counts()
		if n := len(counts); n != 65 {
			t.Fatalf("%d variants are kept, expected 64 and the stable one", n)
		}
		if first, last := counts[1].Variant, counts[64].Variant; first != "canary-36" || last != "canary-99" {
			t.Errorf("from %s to %s are kept, expected canary-36 to canary-99", first, last)
		}
	})
}

func TestDriftIsOfTheVersionServed(t *testing.T) {
	t.Parallel()
	models := newModels(t, "v1.0.0")
	m := models.monitor()
	v := models.version(t, "")
	report := m.Drift(v)
	want := &monitoringv1.DriftReport{Model: "iris", Version: "v1.0.0", RowsNeeded: 1, ReferenceRows: uint64(v.File.GetReference().GetRows())}
	if diff := cmp.Diff(want, report, protocmp.Transform(),
		protocmp.IgnoreFields(report, "state", "since", "until", "window", "features", "predictions")); diff != "" {
		t.Errorf("the report (-want +got):\n%s", diff)
	}
	if again := m.Drift(v); again != report {
		t.Error("a second report is made within a second")
	}
}
