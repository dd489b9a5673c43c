package metrics

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sepal-ml/sepal/services/internal/crash"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/modelfile/native"
	"github.com/sepal-ml/sepal/services/modelfile/onnx"
	"github.com/sepal-ml/sepal/services/modelfile/sklearn"
)

// models shows which versions there are, and counts how they came and what became of their
// shadows.
type models struct {
	live *registry.Live

	loads, failures, info, broken, problems, shadows *prometheus.Desc

	mu       sync.Mutex
	seen     *registry.Registry
	loaded   map[string]float64     // by model
	failed   map[[2]string]float64  // by model and reason
	compared map[comparison]outcome // so that nothing that was shown goes back
}

// comparison is a version, what runs in its shadow, and since when.
type comparison struct {
	model, version, shadow string
	since                  time.Time
}

type outcome struct{ agreed, disagreed, failed uint64 }

func newModels(live *registry.Live) *models {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &models{
		live:     live,
		loads:    desc("sepal_model_loads_total", "Versions of a model that came to be served.", "model"),
		failures: desc("sepal_model_load_failures_total", "Versions of a model that could not be loaded, and files of served ones that became something else.", "model", "reason"),
		info:     desc("sepal_model_info", "1 for each version that can answer.", "model", "version", "digest"),
		broken:   desc("sepal_model_broken_versions", "Versions of a model that are there and could not be loaded.", "model"),
		problems: desc("sepal_registry_problems", "What of the registry is not in force: that it cannot be read, that files are gone or another, and the like."),
		shadows:  desc("sepal_shadow_rows_total", "Rows that a shadow scored as well, by whether it gave the same class.", "model", "version", "shadow", "outcome"),
		seen:     new(registry.Registry),
		loaded:   map[string]float64{},
		failed:   map[[2]string]float64{},
		compared: map[comparison]outcome{},
	}
}

// Describe implements [prometheus.Collector].
func (m *models) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{m.loads, m.failures, m.info, m.broken, m.problems, m.shadows} {
		to <- desc
	}
}

// Collect implements [prometheus.Collector].
func (m *models) Collect(to chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.live.Current()
	names := now.Models()
	m.follow(now, names)
	counter := func(desc *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, value, labels...)
	}
	for _, name := range names {
		counter(m.loads, m.loaded[name], name)
		for _, reason := range reasons() {
			counter(m.failures, m.failed[[2]string{name, reason}], name, reason)
		}
		if model, err := now.Model(name); err == nil {
			to <- gauge(m.broken, float64(len(model.Broken)), name)
		}
	}
	for _, v := range now.Versions() {
		to <- gauge(m.info, 1, v.Model, v.Version, v.Digest)
	}
	to <- gauge(m.problems, float64(len(now.Problems())))
	for c, rows := range m.compare(names) {
		counter(m.shadows, float64(rows.agreed), c.model, c.version, c.shadow, "agreed")
		counter(m.shadows, float64(rows.disagreed), c.model, c.version, c.shadow, "disagreed")
		counter(m.shadows, float64(rows.failed), c.model, c.version, c.shadow, "failed")
	}
}

// compare returns what became of the shadows. It is called with mu held.
func (m *models) compare(names []string) map[comparison]outcome {
	now := map[comparison]outcome{}
	for _, name := range names {
		for _, a := range m.live.Agreements(name) {
			c := comparison{name, a.Version, a.Shadow, a.Since}
			// The counts are not read at the same moment, so their difference may be too small.
			before := m.compared[c]
			now[c] = outcome{
				agreed:    a.Agreed,
				disagreed: max(a.Rows-min(a.Rows, a.Agreed), before.disagreed),
				failed:    a.Failed,
			}
		}
	}
	m.compared = now
	return now
}

// follow counts what is served differently. It is called with mu held.
func (m *models) follow(now *registry.Registry, names []string) {
	if now == m.seen {
		return
	}
	type served struct{ model, version, digest string }
	before := map[served]*registry.Version{}
	for _, v := range m.seen.Versions() {
		before[served{v.Model, v.Version, v.Digest}] = v
	}
	for _, v := range now.Versions() {
		was := before[served{v.Model, v.Version, v.Digest}]
		if was == nil {
			m.loaded[v.Model]++
			was = new(registry.Version)
		}
		if v.Problem != "" && v.Problem != was.Problem {
			m.failed[[2]string{v.Model, reasonReplaced}]++
		}
	}
	known := brokenOf(m.seen, m.seen.Models())
	for text, b := range brokenOf(now, names) {
		if known[text] == nil {
			m.failed[[2]string{b.Model, reasonOf(b.Err)}]++
		}
	}
	m.seen = now
	m.forget(names)
}

// forget drops what was counted of models that are no more.
func (m *models) forget(names []string) {
	kept := make(map[string]bool, len(names))
	for _, name := range names {
		kept[name] = true
	}
	for name := range m.loaded {
		if !kept[name] {
			delete(m.loaded, name)
		}
	}
	for of := range m.failed {
		if !kept[of[0]] {
			delete(m.failed, of)
		}
	}
}

// brokenOf returns the versions that could not be loaded, by why: one that is tried again in vain
// is the same.
func brokenOf(r *registry.Registry, names []string) map[string]*registry.BrokenVersion {
	broken := map[string]*registry.BrokenVersion{}
	for _, name := range names {
		if model, err := r.Model(name); err == nil {
			for _, b := range model.Broken {
				broken[b.Err.Error()] = b
			}
		}
	}
	return broken
}

// Why a version could not be loaded.
const (
	reasonFormat      = "format"      // the file is damaged, or is none of a model
	reasonUnsupported = "unsupported" // it is one of a kind that is not read
	reasonUnreadable  = "unreadable"  // it cannot be read
	reasonMismatch    = "mismatch"    // it is not what its place says, or what was published
	reasonReplaced    = "replaced"    // the file of a version that is served is gone, or another
)

func reasons() [5]string {
	return [...]string{reasonFormat, reasonUnsupported, reasonUnreadable, reasonMismatch, reasonReplaced}
}

func reasonOf(err error) string {
	var (
		nativeFormat       *native.FormatError
		onnxFormat         *onnx.FormatError
		sklearnFormat      *sklearn.FormatError
		onnxUnsupported    *onnx.UnsupportedError
		sklearnUnsupported *sklearn.UnsupportedError
		panicked           *crash.PanicError
	)
	switch {
	case errors.As(err, &nativeFormat), errors.As(err, &onnxFormat), errors.As(err, &sklearnFormat), errors.As(err, &panicked):
		return reasonFormat
	case errors.As(err, &onnxUnsupported), errors.As(err, &sklearnUnsupported):
		return reasonUnsupported
	case strings.Contains(err.Error(), "cannot be read: "), strings.Contains(err.Error(), "is no regular file"):
		return reasonUnreadable // the errors of a store have no type in common
	default:
		return reasonMismatch
	}
}
