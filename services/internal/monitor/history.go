package monitor

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	monitoringv1 "github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1"
)

const (
	// points is how many steps of time are kept, and pointStep how long each is.
	points    = 60
	pointStep = 5 * time.Second
)

// history is what happened in the steps of time that have ended. The monitor's mu guards it.
type history struct {
	since time.Time
	step  int64   // the present step, from 0
	ended []*slot // the last ones that have ended, the oldest first
	empty *slot   // one in which nothing happened
}

func (h *history) begin(now time.Time) { h.since, h.empty = now, new(slot) }

// next returns when the present step ends.
func (h *history) next() time.Time { return h.startOf(h.step + 1) }

func (h *history) startOf(step int64) time.Time { return h.since.Add(time.Duration(step) * pointStep) }

// advance ends the steps of time that are over. It is called with mu held.
func (m *Monitor) advance(now time.Time) {
	step := int64(now.Sub(m.history.since) / pointStep)
	if step <= m.history.step {
		return
	}
	m.sync()
	closed := m.requests.current.Swap(new(slot))
	over := step - m.history.step
	for _, e := range m.entries {
		for _, t := range *e.tallies.Load() {
			last := t.marks[len(t.marks)-1]
			latest := t.mark(last)
			if latest != last {
				t.used, e.used = m.history.step, m.history.step
			}
			closed.predictions += latest.rows - last.rows
			closed.sum += latest.sum - last.sum
			closed.low += latest.low - last.low
			t.marks = extended(t.marks, latest, over, points+1)
		}
	}
	m.history.ended = extended(append(m.history.ended, closed), m.history.empty, over-1, points)
	m.history.step = step
	m.prune()
}

// extended returns the list with n more of an item, but only the last ones, at most most.
func extended[T any](list []T, item T, n int64, most int) []T {
	for range min(n, int64(most)) {
		list = append(list, item)
	}
	if excess := len(list) - most; excess > 0 {
		list = append(list[:0], list[excess:]...)
	}
	return list
}

// Activity says what the server has been doing over the last minutes, and what was counted of the
// versions of a model then; those of all models where it is empty.
func (m *Monitor) Activity(model string) *monitoringv1.Activity {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(time.Now())
	m.sync()
	activity := &monitoringv1.Activity{
		Since:               timestamppb.New(m.history.since),
		Step:                durationpb.New(pointStep),
		InFlight:            uint32(max(m.requests.inFlight.Load(), 0)),
		ConfidenceThreshold: m.options.ConfidenceThreshold,
	}
	first := m.history.step - int64(len(m.history.ended))
	for i, s := range m.history.ended {
		activity.Points = append(activity.Points, s.point(m.history.startOf(first+int64(i))))
	}
	for _, e := range m.listed() {
		if model == "" || e.model == model {
			activity.Versions = append(activity.Versions, e.activity()...)
		}
	}
	return activity
}

func (s *slot) point(start time.Time) *monitoringv1.ActivityPoint {
	return &monitoringv1.ActivityPoint{
		Start:          timestamppb.New(start),
		Requests:       s.requests(),
		Refused:        s.refused.Load(),
		Failed:         s.failed.Load(),
		Predictions:    s.predictions,
		Latency:        s.unary.message(),
		MeanConfidence: meanConfidence(s.sum, s.predictions),
		LowConfidence:  s.low,
	}
}

// activity returns what the version answered over the time of the points, and as what it is live.
func (e *entry) activity() []*monitoringv1.VersionActivity {
	var list []*monitoringv1.VersionActivity
	for _, t := range e.listed() {
		first, last := t.marks[0], t.marks[len(t.marks)-1]
		if first == last && !e.answersAs(t.variant) {
			continue
		}
		v := e.versionActivity(t.variant)
		v.Predictions = last.rows - first.rows
		v.LowConfidence = last.low - first.low
		v.MeanConfidence = meanConfidence(last.sum-first.sum, v.Predictions)
		for k := range v.ClassCounts {
			v.ClassCounts[k] = last.classes[k] - first.classes[k]
		}
		list = append(list, v)
	}
	if len(list) == 0 && e.live { // for requests that name it
		list = append(list, e.versionActivity(""))
	}
	return list
}

func (e *entry) versionActivity(variant string) *monitoringv1.VersionActivity {
	return &monitoringv1.VersionActivity{
		Model: e.model, Version: e.version, Variant: variant,
		Classes: e.classes, ClassCounts: make([]uint64, len(e.classes)),
	}
}

// meanConfidence returns the mean of so many confidences whose sum is in parts.
func meanConfidence(sum, rows uint64) float64 {
	if rows == 0 {
		return 0
	}
	// The two are not read at the same moment.
	return min(float64(sum)/confidenceScale/float64(rows), 1)
}
