package registry

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Shadow is a version whose predictions are compared with those of the version that answers.
type Shadow struct {
	// Version is the version in the shadow.
	Version *Version

	agreement *Agreement
	// classes is, per class of the version that answers, the position of the same class in the
	// shadow; -1 where it has none. nil where the shadow does not take the same rows.
	classes []int
	scratch *sync.Pool // of *[]float64, one probability per class of the shadow
}

// Observe scores the row that was answered with a class and its probability, and counts whether
// the shadow agrees. A shadow that panics has failed, and harms no answer. Any number of goroutines
// may call it.
func (s *Shadow) Observe(values []float64, class int, probability float64) {
	if s.classes == nil {
		s.agreement.failed.Add(1)
		return
	}
	defer s.contain()
	scratch, ok := s.scratch.Get().(*[]float64)
	if !ok {
		return // the pool holds nothing else
	}
	defer s.scratch.Put(scratch)
	predicted, err := s.Version.Compiled.Predict(*scratch, values)
	if err != nil {
		s.agreement.failed.Add(1)
		return
	}
	same, its := s.classes[class], 0.0
	if same >= 0 {
		its = (*scratch)[same]
	}
	s.agreement.add(predicted == same, math.Abs(its-probability))
}

// contain is to be deferred.
func (s *Shadow) contain() {
	if recover() != nil {
		s.agreement.failed.Add(1)
	}
}

// Agreement counts how often a shadow agrees with the version that answers.
type Agreement struct {
	since        time.Time
	rows, agreed atomic.Uint64
	failed       atomic.Uint64
	sum, largest atomicFloat
}

// AgreementCount is what was counted up to a moment.
type AgreementCount struct {
	// Shadow and Version are the versions compared: the one in the shadow, and the one that
	// answered.
	Shadow, Version string
	// Rows both scored, Agreed of them with the same class; Failed could the shadow not score.
	Rows, Agreed, Failed uint64
	// Mean and Max are of the absolute difference of the probabilities that both give to the
	// class that was answered, over Rows.
	Mean, Max float64
	// Since is when counting began.
	Since time.Time
}

func (a *Agreement) add(agreed bool, difference float64) {
	a.rows.Add(1)
	if agreed {
		a.agreed.Add(1)
	}
	a.sum.update(func(sum float64) float64 { return sum + difference })
	a.largest.update(func(largest float64) float64 { return max(largest, difference) })
}

type atomicFloat struct{ bits atomic.Uint64 }

func (f *atomicFloat) load() float64 { return math.Float64frombits(f.bits.Load()) }

func (f *atomicFloat) update(change func(float64) float64) {
	for {
		old := f.bits.Load()
		next := math.Float64bits(change(math.Float64frombits(old)))
		if next == old || f.bits.CompareAndSwap(old, next) {
			return
		}
	}
}

// agreements keeps the counts of pairs of versions over all snapshots of a registry.
type agreements struct {
	now   func() time.Time
	mu    sync.Mutex
	pairs map[pair]*Agreement
}

type pair struct{ model, shadow, version string }

// shadow returns the shadow of a version that answers, which counts on where one did before.
func (a *agreements) shadow(shadow, answers *Version) *Shadow {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := pair{shadow.Model, shadow.Version, answers.Version}
	if a.pairs[key] == nil {
		if a.pairs == nil {
			a.pairs = map[pair]*Agreement{}
		}
		a.pairs[key] = &Agreement{since: a.now()}
	}
	s := &Shadow{Version: shadow, agreement: a.pairs[key]}
	classes := shadow.Compiled.NumClasses()
	s.scratch = &sync.Pool{New: func() any {
		buffer := make([]float64, classes)
		return &buffer
	}}
	if len(featureBreaks(answers.Compiled.Signature(), shadow.Compiled.Signature())) == 0 {
		s.classes = matchClasses(shadow, answers)
	}
	return s
}

func matchClasses(shadow, answers *Version) []int {
	of := make(map[string]int)
	for k := range shadow.Compiled.NumClasses() {
		of[shadow.Compiled.Class(k)] = k
	}
	classes := make([]int, answers.Compiled.NumClasses())
	for k := range classes {
		same, ok := of[answers.Compiled.Class(k)]
		if !ok {
			same = -1
		}
		classes[k] = same
	}
	return classes
}

// keep forgets the counts of a model's pairs that the shadows no longer hold.
func (a *agreements) keep(model string, shadows map[string][]*Shadow) {
	kept := map[*Agreement]bool{}
	for _, list := range shadows {
		for _, s := range list {
			kept[s.agreement] = true
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for key, agreement := range a.pairs {
		if key.model == model && !kept[agreement] {
			delete(a.pairs, key)
		}
	}
}

// counts returns what was counted for a model, in the order of the names.
func (a *agreements) counts(model string) []AgreementCount {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []AgreementCount
	for key, g := range a.pairs {
		if key.model != model {
			continue
		}
		c := AgreementCount{
			Shadow: key.shadow, Version: key.version,
			Rows: g.rows.Load(), Agreed: g.agreed.Load(), Failed: g.failed.Load(),
			Max: g.largest.load(), Since: g.since,
		}
		if c.Rows > 0 {
			c.Mean = g.sum.load() / float64(c.Rows)
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b AgreementCount) int {
		return cmp.Or(cmp.Compare(a.Shadow, b.Shadow), cmp.Compare(a.Version, b.Version))
	})
	return all
}
