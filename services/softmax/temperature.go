package softmax

// WithTemperature returns the model with its logits divided by t, a finite number above 0: above
// 1 the probabilities are less sure, below 1 surer. Of a [LinkSoftmax] model, the order of the
// classes stays. The error is a [*DefinitionError] if t is none such or a weight overflows.
func (m *Model) WithTemperature(t float64) (*Model, error) {
	if !(t > 0) || t-t != 0 {
		return nil, undefined("temperature", "is %v, expected a finite number above 0", t)
	}
	d := m.Definition()
	for _, values := range [][]float64{d.Weights, d.Intercepts} {
		for i := range values {
			values[i] /= t
		}
	}
	return NewModel(d)
}
