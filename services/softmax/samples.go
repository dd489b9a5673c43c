package softmax

import "math"

// maxMagnitude bounds values and weights, so that no square of one overflows.
const maxMagnitude = 1e150

func checkSamples(signature *Signature, classes []string, s *Samples) error {
	if signature == nil {
		return undefined("signature", "is missing")
	}
	if err := checkClasses(classes); err != nil {
		return err
	}
	n, p := len(s.Labels), signature.Len()
	if n == 0 {
		return undefined("samples", "there is no row to fit")
	}
	if s.Weights != nil && len(s.Weights) != n {
		return undefined("samples.Weights", "has %d values, expected %d: one per label", len(s.Weights), n)
	}
	if got := len(s.Rows); got < n*p {
		return &ShapeError{Row: got / p, Got: got % p, Want: p}
	} else if got > n*p {
		return undefined("samples.Rows", "has %d values, expected %d: %d per label", got, n*p, p)
	}
	weights := make([]float64, len(classes))
	for i, label := range s.Labels {
		if err := checkSample(signature, s, i, len(classes)); err != nil {
			return err
		}
		weights[label] += s.weight(i)
	}
	for k, weight := range weights {
		if weight == 0 {
			return &EmptyClassError{Class: classes[k]}
		}
	}
	return nil
}

func checkSample(signature *Signature, s *Samples, i, classes int) error {
	row := s.row(i, signature.Len())
	if err := signature.Check(row, i); err != nil {
		return err
	}
	for j, v := range row {
		if math.Abs(v) > maxMagnitude {
			return &ValueError{
				Row: i, Column: j, Feature: signature.Feature(j).Name, Value: v,
				Want: "at most 1e150 in magnitude",
			}
		}
	}
	if label := s.Labels[i]; label < 0 || label >= classes {
		return &LabelError{Row: i, Label: label, Classes: classes}
	}
	if w := s.weight(i); !(w >= 0 && w <= maxMagnitude) {
		return &WeightError{Row: i, Weight: w}
	}
	return nil
}

func (s *Samples) row(i, features int) []float64 {
	return s.Rows[i*features : (i+1)*features]
}

func (s *Samples) weight(i int) float64 {
	if s.Weights == nil {
		return 1
	}
	return s.Weights[i]
}
