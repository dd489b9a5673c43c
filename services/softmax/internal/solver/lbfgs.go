package solver

import (
	"context"
	"math"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

const (
	// historyPairs is how many steps L-BFGS remembers.
	historyPairs = 20
	// patience is how many steps may pass before the gradient is a thousandth, or the metric is
	// thought to be of another place.
	patience = 12
)

// history is what L-BFGS knows of the curvature: the last steps and what the gradient did.
type history struct {
	metric *cholesky
	steps  []pair
	last   pair // what mark noted
}

type pair struct {
	step, change []float64
	rho          float64
}

// lbfgs takes steps in a metric until the run is over, the gradient is as small as near or another
// metric is wanted.
func (r *run) lbfgs(ctx context.Context, metric *cholesky, near float64) error {
	h := history{metric: metric}
	first := maxNorm(r.gradient)
	for taken := 0; !r.over() && maxNorm(r.gradient) > near; taken++ {
		if taken >= patience && maxNorm(r.gradient) > 1e-3*first {
			return nil
		}
		found, err := h.step(ctx, r)
		switch {
		case err != nil:
			return err
		case !found && taken == 0:
			r.stall()
			return nil
		case !found:
			return nil
		}
		h.remember(r)
	}
	return nil
}

// step takes a step of L-BFGS. It returns false where there is none.
func (h *history) step(ctx context.Context, r *run) (bool, error) {
	direction := make([]float64, len(r.x))
	h.direction(direction, r)
	h.mark(r)
	return r.step(ctx, direction, 1)
}

// mark notes where the run is, for remember after the next step.
func (h *history) mark(r *run) {
	n := len(r.x)
	h.last = pair{step: make([]float64, n), change: make([]float64, n)}
	kernel.AddScaled(h.last.step, -1, r.x)
	kernel.AddScaled(h.last.change, -1, r.gradient)
}

// remember takes the step from the mark to where the run is.
func (h *history) remember(r *run) {
	p := h.last
	kernel.AddScaled(p.step, 1, r.x)
	kernel.AddScaled(p.change, 1, r.gradient)
	curvature := kernel.Dot(p.step, p.change)
	if !(curvature > 1e-16*math.Sqrt(kernel.Dot(p.step, p.step)*kernel.Dot(p.change, p.change))) {
		return
	}
	p.rho = 1 / curvature
	if len(h.steps) == historyPairs {
		copy(h.steps, h.steps[1:])
		h.steps = h.steps[:historyPairs-1]
	}
	h.steps = append(h.steps, p)
}

// direction writes minus the gradient times the inverse Hessian, by the two loops of Nocedal 1980.
func (h *history) direction(dst []float64, r *run) {
	q := make([]float64, len(dst))
	copy(q, r.gradient)
	alpha := make([]float64, len(h.steps))
	for i := len(h.steps) - 1; i >= 0; i-- {
		s := &h.steps[i]
		alpha[i] = s.rho * kernel.Dot(s.step, q)
		kernel.AddScaled(q, -alpha[i], s.change)
	}
	r.problem.newtonDirection(dst, q, h.metric)
	for i := range h.steps {
		s := &h.steps[i]
		// dst is minus what the loops have.
		beta := s.rho * kernel.Dot(s.change, dst)
		kernel.AddScaled(dst, -alpha[i]-beta, s.step)
	}
}
