package trainer

import (
	"context"
	"fmt"
	"math"
	"slices"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/softmax"
)

// foldsFor returns how many folds to make: as many as asked for, or as the smallest class has
// rows, so that every fold has rows of every class.
func foldsFor(asked int, t *dataset.Table) (int, error) {
	counts := t.ClassCounts()
	smallest := slices.Min(counts)
	if asked > 0 && smallest < 2 {
		return 0, &OptionError{Option: "Folds", Problem: fmt.Sprintf(
			"is %d, but class %q has a single row, and cross-validation needs two of each; add rows of it, or cross-validate with 0 folds",
			asked, t.Classes[slices.Index(counts, smallest)])}
	}
	return min(asked, smallest), nil
}

func (r *training) holdOut(ctx context.Context) (*modelv1.HoldOutMetrics, error) {
	train, held := dataset.HoldOut(r.table.Labels, len(r.table.Classes), r.options.HoldOut, r.options.Seed)
	if len(held) == 0 {
		return nil, nil
	}
	s, err := r.evaluate(ctx, train, held, Progress{Stage: HoldOut})
	if err != nil {
		return nil, err
	}
	return &modelv1.HoldOutMetrics{
		Rows:      uint32(s.rows),
		Accuracy:  s.accuracy(),
		LogLoss:   s.logLoss(),
		Confusion: s.confusion,
	}, nil
}

func (r *training) crossValidation(ctx context.Context, k int) (*modelv1.CrossValidationMetrics, []uint32, error) {
	if k == 0 {
		return nil, nil, nil
	}
	folds := dataset.Folds(r.table.Labels, len(r.table.Classes), k, r.options.Seed)
	accuracies := make([]float64, k)
	confusion := make([]uint32, len(r.table.Classes)*len(r.table.Classes))
	metrics := &modelv1.CrossValidationMetrics{Folds: uint32(k)}
	for f, held := range folds {
		s, err := r.evaluate(ctx, without(r.table.Len(), held), held, Progress{Stage: CrossValidation, Fold: f + 1, Folds: k})
		if err != nil {
			return nil, nil, err
		}
		accuracies[f] = s.accuracy()
		metrics.LogLossMean += s.logLoss() / float64(k)
		for i, n := range s.confusion {
			confusion[i] += n
		}
	}
	metrics.AccuracyMean, metrics.AccuracySd = meanAndDeviation(accuracies)
	return metrics, confusion, nil
}

// evaluate fits a model to some rows and scores it on others. What stands in for missing values
// is taken from the rows fitted: those held out stay unseen.
func (r *training) evaluate(ctx context.Context, train, held []int, at Progress) (*score, error) {
	t := r.table
	rows := t.RowsImputedFrom(train)
	values, labels := gather(rows, t.Labels, train, t.Signature.Len())
	fit, err := r.fit(ctx, values, labels, at)
	if err != nil {
		return nil, err
	}
	values, labels = gather(rows, t.Labels, held, t.Signature.Len())
	s := newScore(fit.Model)
	for i, label := range labels {
		if err := s.add(values[i*t.Signature.Len():(i+1)*t.Signature.Len()], label); err != nil {
			return nil, &FitError{At: at, Err: fmt.Errorf("row %d of the data: %w", held[i]+1, err)}
		}
	}
	return s, nil
}

// gather copies the chosen rows, of p values each, and their labels.
func gather(rows []float64, labels, chosen []int, p int) ([]float64, []int) {
	values := make([]float64, 0, len(chosen)*p)
	out := make([]int, len(chosen))
	for i, row := range chosen {
		values = append(values, rows[row*p:(row+1)*p]...)
		out[i] = labels[row]
	}
	return values, out
}

// without returns the numbers from 0 to n-1 but for those left out, which ascend.
func without(n int, out []int) []int {
	kept := make([]int, 0, n-len(out))
	for i := range n {
		if len(out) > 0 && out[0] == i {
			out = out[1:]
			continue
		}
		kept = append(kept, i)
	}
	return kept
}

// smallestNormal stands in for a probability that underflows, so that the mean loss stays
// finite: it costs 708 nats. Below it math.Log is not exact on every processor.
const smallestNormal = 0x1p-1022

// score gathers how a model does on rows whose classes are known.
type score struct {
	model         *softmax.Model
	probabilities []float64 // of the row added last
	rows, correct int
	loss          float64 // summed over the rows
	confidence    float64 // summed over the rows
	confusion     []uint32
}

func newScore(m *softmax.Model) *score {
	k := m.NumClasses()
	return &score{model: m, probabilities: make([]float64, k), confusion: make([]uint32, k*k)}
}

func (s *score) add(row []float64, label int) error {
	predicted, err := s.model.Predict(s.probabilities, row)
	if err != nil {
		return err
	}
	s.rows++
	if predicted == label {
		s.correct++
	}
	s.loss -= math.Log(max(s.probabilities[label], smallestNormal))
	s.confidence += s.probabilities[predicted]
	s.confusion[label*s.model.NumClasses()+predicted]++
	return nil
}

func (s *score) accuracy() float64 { return float64(s.correct) / float64(s.rows) }

func (s *score) logLoss() float64 { return s.loss / float64(s.rows) }

// meanAndDeviation returns the mean and the standard deviation of a population.
func meanAndDeviation(values []float64) (mean, deviation float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean) / float64(len(values))
	}
	return mean, math.Sqrt(deviation)
}
