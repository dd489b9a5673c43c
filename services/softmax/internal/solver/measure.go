package solver

import (
	"context"
	"math"
)

// columnStats is what a pass over the rows tells of the columns. Rows of weight 0 do not count,
// but for the plain sums.
type columnStats struct {
	sum, square           []float64 // of value - about, by share
	plainSum, plainSquare []float64 // the same, each row alike; nil where that is the same
	low, high             []float64
}

func newColumnStats(columns int, plain bool) columnStats {
	s := columnStats{
		sum: make([]float64, columns), square: make([]float64, columns),
		low: make([]float64, columns), high: make([]float64, columns),
	}
	for j := range columns {
		s.low[j], s.high[j] = math.Inf(1), math.Inf(-1)
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
		parts[i] = newColumnStats(p.features, plain)
	}
	err := p.sweep(ctx, func(w *worker, shard, from, to int) {
		shares := w.shares[:to-from]
		p.shares(shares, from)
		rows := p.rows.Block(w.encoded, from, to)
		for i, share := range shares {
			row := rows[i*p.features : (i+1)*p.features]
			if share != 0 {
				parts[shard].add(row, about, unit, share)
			}
			if plain {
				parts[shard].addPlain(row, about, unit)
			}
		}
	})
	p.passes-- // not one of the solver's
	for _, s := range parts[1:] {
		parts[0].merge(s)
	}
	return parts[0], err
}

func (s *columnStats) add(row, about, unit []float64, share float64) {
	n := len(row)
	sum, square, low, high := s.sum[:n], s.square[:n], s.low[:n], s.high[:n]
	about, unit = about[:n], unit[:n]
	for j, v := range row {
		if v < low[j] {
			low[j] = v
		}
		if v > high[j] {
			high[j] = v
		}
		v = (v - about[j]) * unit[j]
		weighted := v * share
		sum[j] += weighted
		square[j] += weighted * v
	}
}

func (s *columnStats) addPlain(row, about, unit []float64) {
	for j, v := range row {
		v = (v - about[j]) * unit[j]
		s.plainSum[j] += v
		s.plainSquare[j] += v * v
	}
}

func (s *columnStats) merge(other columnStats) {
	for j := range s.sum {
		s.sum[j] += other.sum[j]
		s.square[j] += other.square[j]
		s.low[j], s.high[j] = min(s.low[j], other.low[j]), max(s.high[j], other.high[j])
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
	for j, sum := range s.sum {
		if s.low[j] == s.high[j] {
			continue
		}
		reach := max(s.high[j]-about[j], about[j]-s.low[j])
		extreme := reach > 1e100 || reach < 1e-100
		if extreme {
			unit[j] = min(1/reach, 1e300)
		}
		if square := s.square[j]; extreme || square-sum*sum < 1e-5*square {
			about[j] = min(max(about[j]+sum, s.low[j]), s.high[j])
			again = true
		}
	}
	return again
}

func (s *columnStats) spread(about, unit []float64, rows int) *spread {
	n := len(s.sum)
	out := &spread{
		mean: make([]float64, n), deviation: make([]float64, n), raw: make([]float64, n),
		low: s.low, high: s.high,
	}
	for j, sum := range s.sum {
		// The mean of a constant is to be exactly that, or rounding makes a feature of it.
		out.mean[j] = min(max(about[j]+sum/unit[j], s.low[j]), s.high[j])
		if s.low[j] < s.high[j] {
			out.deviation[j] = math.Sqrt(max(0, s.square[j]-sum*sum)) / unit[j]
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
