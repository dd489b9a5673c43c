package kernel

import "math"

// Logistic is [CrossEntropy] of two classes with one logit z_i per row: the logit of class 1,
// that of class 0 being 0. It returns the sum of -w_i · ln(probability of the row's label), and
// replaces z by the derivatives: w_i · (probability of class 1 - label). It writes the second
// derivatives, w_i · p · (1 - p), to curvature unless that is nil. labels are 0 or 1; weights nil
// stands for 1. Nothing cancels where the label is almost certain. All slices have one value per
// row.
func Logistic(z []float64, labels []int32, weights, curvature []float64) float64 {
	checkLabels(labels, len(z), 2)
	if weights != nil {
		checkLengths(len(weights), len(z))
	}
	if curvature != nil {
		checkLengths(len(curvature), len(z))
	}
	return logistic(z, labels, weights, curvature)
}

// Sigmoid replaces each z by 1 / (1 + exp(-z)); one below 1e-307 may become 0.
func Sigmoid(z []float64) { sigmoid(z) }

func sigmoidGo(z []float64) {
	for i, v := range z {
		e := math.Exp(-math.Abs(v))
		if v >= 0 {
			z[i] = 1 / (1 + e)
		} else {
			z[i] = e / (1 + e)
		}
	}
}

func logisticGo(z []float64, labels []int32, weights, curvature []float64) float64 {
	var total float64
	for i, v := range z {
		weight := 1.0
		if weights != nil {
			weight = weights[i]
		}
		// s is the logit of the other label.
		s, signed := v, weight
		if labels[i] != 0 {
			s, signed = -v, -weight
		}
		e := math.Exp(-math.Abs(s))
		share := 1 / (1 + e)
		if curvature != nil {
			curvature[i] = weight * (e * share) * share
		}
		if s < 0 {
			share *= e
		}
		z[i] = signed * share
		total += float64(weight * (max(s, 0) + math.Log1p(e)))
	}
	return total
}
