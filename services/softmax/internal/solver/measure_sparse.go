package solver

import (
	"context"
	"math"
)

// measureSparse is measure for sparse rows. The values that are not there are zeros.
func (p *Problem) measureSparse(ctx context.Context, plain bool) (*spread, error) {
	out := &spread{low: make([]float64, p.features), high: make([]float64, p.features)}
	rows := 0
	counts := make([]int, p.features)
	for j := range out.low {
		out.low[j], out.high[j] = math.Inf(1), math.Inf(-1)
	}
	for i := range p.count {
		if i%rowsPerLook == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if p.weight(i) == 0 {
			continue
		}
		rows++
		for at := p.sparse.Start[i]; at < p.sparse.Start[i+1]; at++ {
			j, v := p.sparse.Columns[at], p.sparse.Values[at]
			counts[j]++
			out.low[j], out.high[j] = min(out.low[j], v), max(out.high[j], v)
		}
	}
	for j, count := range counts {
		if count < rows {
			out.low[j], out.high[j] = min(out.low[j], 0), max(out.high[j], 0)
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out.mean, out.deviation = p.sparseMoments(ctx, func(i int) float64 { return p.weight(i) / p.total })
	out.raw = make([]float64, p.features)
	for j := range out.mean {
		out.mean[j] = min(max(out.mean[j], out.low[j]), out.high[j])
		if out.low[j] == out.high[j] {
			out.deviation[j] = 0
		}
		out.raw[j] = math.Hypot(out.deviation[j], out.mean[j])
	}
	if plain {
		out.plainMean, out.plainDeviation = p.sparseMoments(ctx, func(int) float64 { return 1 / float64(p.count) })
	}
	return out, ctx.Err()
}

// sparseMoments returns mean and deviation of the columns, of rows with shares that sum to 1.
// Squares are of values over the largest, so that none overflows or vanishes. Once the context has ended,
// what it returns is of no use.
func (p *Problem) sparseMoments(ctx context.Context, share func(row int) float64) (mean, deviation []float64) {
	mean, deviation = make([]float64, p.features), make([]float64, p.features)
	present, reach := make([]float64, p.features), make([]float64, p.features)
	s := p.sparse
	for i := range p.count {
		if i%rowsPerLook == 0 && ctx.Err() != nil {
			break
		}
		weight := share(i)
		if weight == 0 {
			continue
		}
		for at := s.Start[i]; at < s.Start[i+1]; at++ {
			j := s.Columns[at]
			mean[j] += weight * s.Values[at]
			present[j] += weight
			reach[j] = max(reach[j], math.Abs(s.Values[at]))
		}
	}
	for i := range p.count {
		if i%rowsPerLook == 0 && ctx.Err() != nil {
			break
		}
		weight := share(i)
		if weight == 0 {
			continue
		}
		for at := s.Start[i]; at < s.Start[i+1]; at++ {
			if j := s.Columns[at]; reach[j] > 0 {
				v := (s.Values[at] - mean[j]) / reach[j]
				deviation[j] += weight * v * v
			}
		}
	}
	for j, square := range deviation {
		if reach[j] > 0 {
			m := mean[j] / reach[j]
			deviation[j] = reach[j] * math.Sqrt(square+max(0, 1-present[j])*m*m)
		}
	}
	return mean, deviation
}
