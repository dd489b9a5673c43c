package kernel

import (
	"math"
	"slices"
)

// SoftmaxRows replaces each row of logits z by its softmax: exp(z_k) / sum over c of exp(z_c).
// The largest logit is subtracted first, so nothing overflows. A probability below 1e-307 may
// become 0. Equal logits get equal probabilities, and no class gets more than that of the
// largest logit. A row with NaN or +Inf, or with nothing but -Inf, becomes useless, without
// harm to others. Padding that has room becomes 0.
func SoftmaxRows(z []float64, ld, rows, classes int) {
	checkMatrix(len(z), ld, rows, classes)
	if rows > 0 && classes > 0 {
		softmaxEach(z, ld, rows, classes, nil)
	}
}

// Classify is [SoftmaxRows] and writes the class of each row's largest logit to best, which has
// one value per row: the first class where several have it. It is of use only where all logits
// are finite.
func Classify(z []float64, ld, rows, classes int, best []int) {
	checkMatrix(len(z), ld, rows, classes)
	checkLengths(len(best), rows)
	if rows > 0 && classes > 0 {
		softmaxEach(z, ld, rows, classes, best)
	}
}

// CrossEntropy returns the sum over the rows of -w_i · ln(probability of the row's label), and
// replaces the logits z by the derivatives of that: w_i · (probability - 1 for the label). It
// writes the probabilities to p, of the same leading dimension, unless p is nil. labels are one
// per row, each below classes; weights one per row, or nil where all are 1. Padding that has room
// becomes 0, in p too. Neither the sum nor the derivatives cancel where the label is almost
// certain.
func CrossEntropy(z []float64, ld, rows, classes int, labels []int32, weights, p []float64) float64 {
	checkMatrix(len(z), ld, rows, classes)
	if rows <= 0 || classes <= 0 {
		return 0
	}
	checkLabels(labels, rows, classes)
	if weights != nil {
		checkLengths(len(weights), rows)
	}
	if p != nil {
		checkMatrix(len(p), ld, rows, classes)
	}
	return crossEntropy(z, ld, rows, classes, labels, weights, p)
}

// Curve is what the Hessian of [CrossEntropy] does to logits: it replaces each row u by
// w·p∘(u - p·u), where p is the row's probabilities and w its weight, 1 if weights is nil. u and
// p have the same leading dimension. Padding that has room becomes 0.
func Curve(u, p []float64, ld, rows, classes int, weights []float64) {
	checkMatrix(len(u), ld, rows, classes)
	checkMatrix(len(p), ld, rows, classes)
	if rows <= 0 || classes <= 0 {
		return
	}
	if weights != nil {
		checkLengths(len(weights), rows)
	}
	curve(u, p, ld, rows, classes, weights)
}

func checkLabels(labels []int32, rows, classes int) {
	checkLengths(len(labels), rows)
	last, signs := int32(classes-1), int32(0) // the sign of signs is set where one is
	for _, label := range labels {
		signs |= label | (last - label)
	}
	if signs < 0 {
		panic("kernel: label out of range")
	}
}

// padding returns the places of row i behind its values that may be written.
func padding(z []float64, ld, i, columns int) []float64 {
	from, to := i*ld+columns, i*ld+Pad(columns)
	if Pad(columns) > ld || to > len(z) {
		return nil
	}
	return z[from:to]
}

func softmaxRowsGo(z []float64, ld, rows, classes int, best []int) {
	for i := range rows {
		row := z[i*ld : i*ld+classes]
		largest := maximum(row)
		if best != nil {
			best[i] = slices.Index(row, largest)
		}
		var sum float64
		for k, v := range row {
			row[k] = expBelow(v - largest)
			sum += row[k]
		}
		for k := range row {
			row[k] /= sum
		}
		clear(padding(z, ld, i, classes))
	}
}

// expBelow returns exp(x) for an x of 0 or less; 0 where that is 1e-307 or less.
func expBelow(x float64) float64 {
	switch {
	case x == 0: // what math.Exp makes of it
		return 1
	case x < leastExponent:
		return 0
	}
	return math.Exp(x)
}

// leastExponent is below where the exponentials of a row count as 0.
const leastExponent = -708

// maximum returns the largest of the values, or NaN if one is.
func maximum(values []float64) float64 {
	largest := values[0]
	for _, v := range values[1:] {
		if !(v <= largest) {
			largest = v
		}
		if v != v {
			return v
		}
	}
	return largest
}

func crossEntropyGo(z []float64, ld, rows, classes int, labels []int32, weights, p []float64) float64 {
	var total float64
	for i := range rows {
		row, label, weight := z[i*ld:i*ld+classes], int(labels[i]), 1.0
		if weights != nil {
			weight = weights[i]
		}
		largest := maximum(row)
		lead := largest - row[label]
		var others float64
		for k, v := range row {
			row[k] = expBelow(v - largest)
			if k != label {
				others += row[k]
			}
		}
		own := row[label]
		sum := own + others
		for k := range row {
			row[k] /= sum
		}
		if p != nil {
			copy(p[i*ld:], row)
			clear(padding(p, ld, i, classes))
		}
		row[label] = -others / sum
		for k := range row {
			row[k] *= weight
		}
		clear(padding(z, ld, i, classes))
		// (own - 1) + others is what the sum has above 1: own is 1 if the label leads.
		total += float64(weight * (lead + math.Log1p((own-1)+others)))
	}
	return total
}

func curveGo(u, p []float64, ld, rows, classes int, weights []float64) {
	for i := range rows {
		row, of, weight := u[i*ld:i*ld+classes], p[i*ld:i*ld+classes], 1.0
		if weights != nil {
			weight = weights[i]
		}
		var mean float64
		for k, v := range row {
			mean = fma(v, of[k], mean)
		}
		for k, v := range row {
			row[k] = weight * of[k] * (v - mean)
		}
		clear(padding(u, ld, i, classes))
	}
}
