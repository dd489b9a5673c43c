package softmax

// Margin is the reason for preferring one class to another, or to the rest: the log-odds between
// them and how each feature moves it. See [Model.Explain].
type Margin struct {
	// Total is the logit of the class less that of the other: ln(p_class / p_against). Against
	// the rest, it is the logit of the class.
	Total float64
	// Baseline is Total for the model's reference row.
	Baseline float64
	// Contributions hold, per feature, what its value adds in place of the reference row's.
	// Baseline and the contributions sum to Total.
	Contributions []float64
}

// Explain says how each feature of the row moves the log-odds of class against the class
// against. Of the model's encoded columns x with reference r, a feature contributes the sum
// over its columns d of (x_d - r_d)·(w_class,d - w_against,d): the model is linear, so this
// is exact. (It is also the feature's Shapley value for independent features; Štrumbelj and
// Kononenko 2014, section 3.)
//
// For a [LinkOneVsRest] model, against is [Rest], and for no other: its log-odds are linear only for
// a class against all others together, ln(s / (1 - s)) with s the sigmoid of the logit, and
// w_against is 0.
//
// The contributions are written to dst, which has Signature().Len() values. The row must fit
// the signature (Predict tells). It panics if a length or a class is wrong.
//
// Values or weights near the largest float64 can overflow here even where Predict answers. Total
// is then infinite or NaN, and else every number of the margin is finite: check Total.
func (m *Model) Explain(dst, row []float64, class, against int) Margin {
	s, k := m.signature, len(m.classes)
	if len(dst) != s.Len() || len(row) != s.Len() {
		panic("softmax: Explain: length mismatch")
	}
	if (against == Rest) != (m.link == LinkOneVsRest) {
		panic("softmax: Explain: against must be Rest for LinkOneVsRest, and for it alone")
	}
	margin := Margin{Baseline: difference(m.intercepts, class, against), Contributions: dst}
	for j, v := range row {
		f, at := &s.features[j], s.offsets[j]
		var atReference, atRow float64
		for c := range f.width() {
			d := at + c
			slope := difference(m.weights[d*k:d*k+k], class, against)
			atReference += m.reference[d] * slope
			switch {
			case !f.Categorical():
				atRow += v * slope
			case c == int(v):
				atRow += slope
			}
		}
		margin.Baseline += atReference
		dst[j] = atRow - atReference
	}
	margin.Total = margin.Baseline
	for _, c := range dst {
		margin.Total += c
	}
	return margin
}

// difference returns the value of a class less that of another, or of none for the rest.
func difference(values []float64, class, against int) float64 {
	if against == Rest {
		return values[class]
	}
	return values[class] - values[against]
}
