package softmax

import "math"

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

// PredictBatch is Predict for n rows: rows is row-major n × Signature().Len(), probabilities
// row-major n × NumClasses(), classes has n values. It stops at the first row that cannot be
// classified; the error's Row says which. It panics if a length is wrong.
func (m *Model) PredictBatch(probabilities []float64, classes []int, rows []float64) error {
	p, k, n := m.signature.Len(), len(m.classes), len(classes)
	if len(rows) != n*p || len(probabilities) != n*k {
		panic("softmax: PredictBatch: length mismatch")
	}
	for i := range n {
		class, err := m.predict(probabilities[i*k:(i+1)*k], rows[i*p:(i+1)*p], i)
		if err != nil {
			return err
		}
		classes[i] = class
	}
	return nil
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
	return probabilities(dst, dst), nil
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

// logits writes the logit of each class to dst. The row fits the signature.
func (m *Model) logits(dst, row []float64) {
	copy(dst, m.intercepts)
	if m.signature.numeric {
		addProducts(dst, row, m.weights)
		return
	}
	k := len(m.classes)
	for j, v := range row {
		at := m.signature.offsets[j]
		if m.signature.features[j].Categorical() {
			at, v = at+int(v), 1
		}
		weights := m.weights[at*k : at*k+k]
		for c, w := range weights {
			dst[c] += v * w
		}
	}
}

// Softmax writes exp(z_k) / sum_c exp(z_c) to dst and returns it; dst may be logits itself.
// The largest logit is subtracted first, so that no exponential overflows and the largest
// probability never underflows. All logits must be finite. It panics if the lengths differ.
func Softmax(dst, logits []float64) []float64 {
	if len(dst) != len(logits) {
		panic("softmax: Softmax: length mismatch")
	}
	if len(logits) > 0 {
		probabilities(dst, logits)
	}
	return dst
}

// probabilities writes the softmax of the logits to dst and returns the class of the highest
// logit, the first where several have it.
func probabilities(dst, logits []float64) int {
	best := argmax(logits)
	largest := logits[best]
	var sum float64
	for k, z := range logits {
		e := 1.0 // what math.Exp makes of 0
		if z != largest {
			e = math.Exp(z - largest)
		}
		dst[k] = e
		sum += e
	}
	for k := range dst {
		dst[k] /= sum
	}
	return best
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
