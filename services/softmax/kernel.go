package softmax

import "github.com/sepal-ml/sepal/services/softmax/internal/kernel"

func allFinite(values []float64) bool { return kernel.AllFinite(values) }

// logits writes the logits of the rows to dst, row-major; the rows fit the signature. What a row
// gets is the same, to the last bit, whichever rows stand beside it.
func (m *Model) logits(dst, rows []float64) {
	p, k := m.signature.Len(), len(m.classes)
	n := len(rows) / p
	for filled := copy(dst, m.intercepts); filled < n*k; {
		filled += copy(dst[filled:n*k], dst[:filled])
	}
	if m.signature.numeric {
		kernel.MulAdd(dst, k, rows, p, 1, m.weights, k, n, k, p)
		return
	}
	for j := 0; j < p; {
		at, numeric := m.signature.offsets[j], j
		for numeric < p && !m.signature.features[numeric].Categorical() {
			numeric++
		}
		if numeric > j {
			kernel.MulAdd(dst, k, rows[j:], p, 1, m.weights[at*k:], k, n, k, numeric-j)
			j = numeric
			continue
		}
		for i := range n {
			column := at + int(rows[i*p+j])
			addTo(dst[i*k:i*k+k], m.weights[column*k:column*k+k])
		}
		j++
	}
}

func addTo(dst, values []float64) {
	if len(dst) >= 8 {
		kernel.AddScaled(dst, 1, values)
		return
	}
	for c, v := range values {
		dst[c] += v
	}
}
