package solver

import "context"

// sample returns the problem over about that many of its rows, copied, in the same variables. The
// rows of each class weigh together what all of them do. Half of the rows are shared out evenly
// over the classes, so that rare ones have theirs. Which rows depends on their positions alone.
func (p *Problem) sample(ctx context.Context, rows int) (*Problem, error) {
	s := &Problem{
		features: p.features, intercept: p.intercept, columns: p.columns,
		classes: p.classes, free: p.free, ld: p.ld,
		total: 1, prior: p.prior,
		shift: p.shift, scale: p.scale, penalty: p.penalty, l1: p.l1,
		strength: p.strength, standard: p.standard, reach: p.reach, mean: p.mean,
		workers: p.workers,
	}
	picked := p.pick(rows)
	values := make([]float64, len(picked)*p.columns)
	s.labels, s.weights = make([]int32, len(picked)), make([]float64, len(picked))
	const chunk = 256
	err := p.share((len(picked)+chunk-1)/chunk, len(values), func(w *worker, job int) error {
		for at := job * chunk; at < min((job+1)*chunk, len(picked)); at++ {
			copy(values[at*p.columns:], p.augmented(w, picked[at], picked[at]+1))
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	ofClass := make([]float64, p.classes)
	for at, i := range picked {
		s.labels[at], s.weights[at] = p.labels[i], p.weight(i)
		ofClass[p.labels[i]] += p.weight(i)
	}
	for at, label := range s.labels {
		s.weights[at] *= p.prior[label] / ofClass[label]
	}
	s.own(values)
	return s, nil
}

// pick returns the positions of rows to sample, ascending. Rows of weight 0 are left out.
func (p *Problem) pick(rows int) []int {
	left := make([]int, p.classes) // rows of the class that are still to come
	n := 0
	for i, label := range p.labels {
		if p.weight(i) > 0 {
			left[label]++
			n++
		}
	}
	need := make([]int, p.classes)
	for k, have := range left {
		need[k] = min(have, (rows/p.classes+rows*have/n)/2+1)
	}
	var picked []int
	for i, label := range p.labels {
		if p.weight(i) == 0 {
			continue
		}
		if float64(left[label])*chance(uint64(i)) < float64(need[label]) {
			picked = append(picked, i)
			need[label]--
		}
		left[label]--
	}
	return picked
}

// chance returns a number from 0 to 1 that looks as if it were drawn: the mixer of Steele, Lea and
// Flood 2014 (SplitMix64).
func chance(i uint64) float64 {
	z := (i + 1) * 0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return float64((z^z>>31)>>11) / (1 << 53)
}
