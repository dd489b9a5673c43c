//go:build !purego

package kernel

// rowsAtOnce is how many rows pass between the softmax and the logarithm of its sums. It is a
// multiple of 4.
const rowsAtOnce = 64

// wide returns how many of the rows, counted from the first, have room for padding: all, or all
// but the last, or none.
func wide(length, ld, rows, columns int) int {
	switch padded := Pad(columns); {
	case ld < padded:
		return 0
	case (rows-1)*ld+padded <= length:
		return rows
	default:
		return rows - 1
	}
}

func softmaxEach(z []float64, ld, rows, classes int, best []int) {
	if !vectorised() {
		softmaxRowsGo(z, ld, rows, classes, best)
		return
	}
	pairs := 0
	if classes == 2 && ld == 2 {
		pairs = rows &^ 1
	}
	if pairs > 0 {
		softmaxPairs(&z[0], pairs, first(best))
	}
	n := max(pairs, wide(len(z), ld, rows, classes))
	softmaxSome(z, ld, pairs, n, classes, 1, best)
	softmaxSome(z, ld, n, rows, classes, 0, best)
}

func softmaxSome(z []float64, ld, from, to, classes, full int, best []int) {
	if from == to {
		return
	}
	if best != nil {
		best = best[from:to]
	}
	if quads := (to - from) &^ 3; classes >= 2 && classes <= 4 && quads > 0 {
		softmaxQuads(&z[from*ld], ld, quads, classes, full, first(best))
		if from += quads; from == to {
			return
		}
		if best != nil {
			best = best[quads:]
		}
	}
	softmaxRows(&z[from*ld], ld, to-from, classes, full, first(best))
}

// first returns where the values are, or nil.
func first[T any](values []T) *T {
	if values == nil {
		return nil
	}
	return &values[0]
}

func crossEntropy(z []float64, ld, rows, classes int, labels []int32, weights, p []float64) float64 {
	if !vectorised() {
		return crossEntropyGo(z, ld, rows, classes, labels, weights, p)
	}
	n := wide(len(z), ld, rows, classes)
	if p != nil {
		n = min(n, wide(len(p), ld, rows, classes))
	}
	var total float64
	var excess, lead, w [rowsAtOnce]float64
	for i := range w {
		w[i] = 1
	}
	for from := 0; from < rows; {
		to, full := min(from+rowsAtOnce, rows), 0
		if from < n {
			to, full = min(to, n), 1
		}
		if weights != nil {
			copy(w[:], weights[from:to])
		}
		count := to - from // no more than the time before, so that the ones in w are still there
		clear(w[count:])
		clear(excess[count:])
		clear(lead[count:])
		var kept *float64
		if p != nil {
			kept = &p[from*ld]
		}
		crossEntropyRows(&z[from*ld], ld, count, classes, &labels[from], &w[0], kept, &excess[0], &lead[0], full)
		total += losses(&excess[0], &lead[0], &w[0], Pad(count))
		from = to
	}
	return total
}

func curve(u, p []float64, ld, rows, classes int, weights []float64) {
	if !vectorised() {
		curveGo(u, p, ld, rows, classes, weights)
		return
	}
	one, step := 1.0, 0 // bytes
	w := &one
	if weights != nil {
		w, step = &weights[0], 8
	}
	n := wide(len(u), ld, rows, classes)
	if n > 0 {
		curveRows(&u[0], &p[0], ld, n, classes, w, step, 1)
	}
	if n < rows {
		if weights != nil {
			w = &weights[n]
		}
		curveRows(&u[n*ld], &p[n*ld], ld, rows-n, classes, w, step, 0)
	}
}

// These take rows of which the last values have room for padding, if full is 1. They are in the
// files of assembly.

// softmaxRows writes the places of the largest logits to best, unless that is nil.
//
//go:noescape
func softmaxRows(z *float64, ld, rows, classes, full int, best *int)

// softmaxQuads takes a multiple of four rows of two to four classes, above 0.
//
//go:noescape
func softmaxQuads(z *float64, ld, rows, classes, full int, best *int)

// softmaxPairs takes an even number of rows of two classes, above 0, without padding.
//
//go:noescape
func softmaxPairs(z *float64, rows int, best *int)

// crossEntropyRows replaces z by the derivatives and writes, per row, what the sum of the
// exponentials has above 1, and by how much the largest logit leads that of the label.
//
//go:noescape
func crossEntropyRows(z *float64, ld, rows, classes int, labels *int32, weights, p, excess, lead *float64, full int)

// losses returns the sum of w · (lead + ln(1 + excess)). n is a multiple of 4, above 0.
//
//go:noescape
func losses(excess, lead, weights *float64, n int) float64

// curveRows takes a weight per row, step bytes apart.
//
//go:noescape
func curveRows(u, p *float64, ld, rows, classes int, weights *float64, step, full int)
