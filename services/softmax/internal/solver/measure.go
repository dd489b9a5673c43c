package solver

import (
	"context"
	"math"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

// columnStats is what a pass over the rows tells of the columns. Rows of weight 0 do not count,
// but for the plain sums.
type columnStats struct {
	kernel.Moments
	plainSum, plainSquare []float64 // each row alike; nil where that is the same
}

func newColumnStats(about, unit []float64, plain bool) columnStats {
	columns := len(about)
	s := columnStats{Moments: kernel.Moments{
		About: about, Unit: unit,
		Sum: make([]float64, columns), Square: make([]float64, columns),
		Low: make([]float64, columns), High: make([]float64, columns),
	}}
	for j := range columns {
		s.Low[j], s.High[j] = math.Inf(1), math.Inf(-1)
	}
	if plain {
		s.plainSum, s.plainSquare = make([]float64, columns), make([]float64, columns)
	}
	return s
}

// spread is what is known of the columns: of the values by weight their mean, their root mean
// square from the mean and, raw, from 0, and their range; of the rows each alike, where that is
// something else, mean and deviation.
type spread struct {
	mean, deviation, raw      []float64
	low, high                 []float64
	plainMean, plainDeviation []float64
}

// measure goes through the rows once; twice where values are so large, so small or so far from 0
// against their deviation that squares would lose it.
func (p *Problem) measure(ctx context.Context, plain bool) (*spread, error) {
	plain = plain && (p.weights != nil || p.classWeights != nil)
	if p.sparse != nil {
		return p.measureSparse(ctx, plain)
	}
	about := p.typical()
	unit := make([]float64, p.features)
	for j := range unit {
		unit[j] = 1
	}
	s, err := p.statsAbout(ctx, about, unit, plain)
	if err != nil {
		return nil, err
	}
	if again := s.recentre(about, unit); again {
		if s, err = p.statsAbout(ctx, about, unit, plain); err != nil {
			return nil, err
		}
	}
	return s.spread(about, unit, p.count), nil
}

// typical returns the mean of some rows, ever farther apart, which squares are taken about.
func (p *Problem) typical() []float64 {
	about := make([]float64, p.features)
	scratch := make([]float64, p.features)
	n := 0
	for i := 0; i < p.count; i += 1 + i/8 {
		if p.weight(i) == 0 {
			continue
		}
		n++
		for j, v := range p.rows.Block(scratch, i, i+1) {
			about[j] += (v - about[j]) / float64(n)
		}
	}
	return about
}

func (p *Problem) statsAbout(ctx context.Context, about, unit []float64, plain bool) (columnStats, error) {
	parts := make([]columnStats, p.plan.shards)
	for i := range parts {
		parts[i] = newColumnStats(about, unit, plain)
	}
	err := p.sweep(ctx, func(w *worker, shard, from, to int) {
		rows := p.rows.Block(w.encoded, from, to)
		parts[shard].Add(rows, p.features, p.shares(w, from, to))
		if plain {
			for i := range to - from {
				parts[shard].addPlain(rows[i*p.features : (i+1)*p.features])
			}
		}
	})
	p.passes-- // not one of the solver's
	for _, s := range parts[1:] {
		parts[0].merge(s)
	}
	return parts[0], err
}

func (s *columnStats) addPlain(row []float64) {
	for j, v := range row {
		v = (v - s.About[j]) * s.Unit[j]
		s.plainSum[j] += v
		s.plainSquare[j] += v * v
	}
}

func (s *columnStats) merge(other columnStats) {
	for j := range s.Sum {
		s.Sum[j] += other.Sum[j]
		s.Square[j] += other.Square[j]
		s.Low[j], s.High[j] = min(s.Low[j], other.Low[j]), max(s.High[j], other.High[j])
	}
	for j := range s.plainSum {
		s.plainSum[j] += other.plainSum[j]
		s.plainSquare[j] += other.plainSquare[j]
	}
}

// recentre finds the columns of which squares about another centre or in another unit would say
// more, and puts these in place.
func (s *columnStats) recentre(about, unit []float64) bool {
	again := false
	for j, sum := range s.Sum {
		if s.Low[j] == s.High[j] {
			continue
		}
		reach := max(s.High[j]-about[j], about[j]-s.Low[j])
		extreme := reach > 1e100 || reach < 1e-100
		if extreme {
			unit[j] = min(1/reach, 1e300)
		}
		if square := s.Square[j]; extreme || square-sum*sum < 1e-5*square {
			about[j] = min(max(about[j]+sum, s.Low[j]), s.High[j])
			again = true
		}
	}
	return again
}

func (s *columnStats) spread(about, unit []float64, rows int) *spread {
	n := len(s.Sum)
	out := &spread{
		mean: make([]float64, n), deviation: make([]float64, n), raw: make([]float64, n),
		low: s.Low, high: s.High,
	}
	for j, sum := range s.Sum {
		// The mean of a constant is to be exactly that, or rounding makes a feature of it.
		out.mean[j] = min(max(about[j]+sum/unit[j], s.Low[j]), s.High[j])
		if s.Low[j] < s.High[j] {
			out.deviation[j] = math.Sqrt(max(0, s.Square[j]-sum*sum)) / unit[j]
		}
		out.raw[j] = math.Hypot(out.deviation[j], out.mean[j])
	}
	if s.plainSum != nil {
		out.addPlain(s, about, unit, rows)
	}
	return out
}

func (s *spread) addPlain(c *columnStats, about, unit []float64, rows int) {
	s.plainMean, s.plainDeviation = make([]float64, len(about)), make([]float64, len(about))
	for j, sum := range c.plainSum {
		mean := sum / float64(rows)
		s.plainMean[j] = about[j] + mean/unit[j]
		s.plainDeviation[j] = math.Sqrt(max(0, c.plainSquare[j]/float64(rows)-mean*mean)) / unit[j]
	}
}
