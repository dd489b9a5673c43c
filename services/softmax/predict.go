package softmax

import "github.com/sepal-ml/sepal/services/softmax/internal/kernel"

// Predict writes the probability of each class to dst, which has NumClasses values, and
// returns the class of the highest probability. Where several have it, that is the one of the
// highest logit, and the first where that is the same too, as in scikit-learn. It does not
// allocate.
//
// The error is a [*ShapeError], a [*ValueError] or an [*OverflowError] whose Row is 0; dst then
// holds nothing of use. It panics if dst has the wrong length.
func (m *Model) Predict(dst, row []float64) (int, error) {
	return m.predict(dst, row, 0)
}

func (m *Model) predict(dst, values []float64, row int) (int, error) {
	if len(dst) != len(m.classes) {
		panic("softmax: Predict: length of dst is not the number of classes")
	}
	if err := m.signature.Check(values, row); err != nil {
		return 0, err
	}
	m.logits(dst, values)
	for k, z := range dst {
		if z-z != 0 {
			return 0, &OverflowError{Row: row, Class: m.classes[k]}
		}
	}
	if m.link == LinkOneVsRest {
		return oneVsRest(dst), nil
	}
	var best [1]int
	kernel.Classify(dst, len(dst), 1, len(dst), best[:])
	return best[0], nil
}

// Logits writes the logit of each class to dst, which has NumClasses values, and returns it.
// Logits tell classes apart whose probabilities have underflowed to 0. The row must fit the
// signature (Predict tells). It panics if a length is wrong.
func (m *Model) Logits(dst, row []float64) []float64 {
	if len(dst) != len(m.classes) || len(row) != m.signature.Len() {
		panic("softmax: Logits: length mismatch")
	}
	m.logits(dst, row)
	return dst
}

// Softmax writes exp(z_k) / sum_c exp(z_c) to dst and returns it; dst may be logits itself.
// The largest logit is subtracted first, so that no exponential overflows and the largest
// probability never underflows; one below 1e-307 may be 0. All logits must be finite. It panics
// if the lengths differ.
func Softmax(dst, logits []float64) []float64 {
	if len(dst) != len(logits) {
		panic("softmax: Softmax: length mismatch")
	}
	copy(dst, logits)
	kernel.SoftmaxRows(dst, len(dst), 1, len(dst))
	return dst
}

func argmax(values []float64) int {
	best := 0
	for k, v := range values {
		if v > values[best] {
			best = k
		}
	}
	return best
}
