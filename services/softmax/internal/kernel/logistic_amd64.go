//go:build !purego

package kernel

func sigmoid(z []float64) {
	if !vectorised() {
		sigmoidGo(z)
		return
	}
	whole := len(z) &^ 3
	if whole > 0 {
		sigmoids(&z[0], whole)
	}
	if whole < len(z) {
		var rest [4]float64
		copy(rest[:], z[whole:])
		sigmoids(&rest[0], 4)
		copy(z[whole:], rest[:])
	}
}

func logistic(z []float64, labels []int32, weights, curvature []float64) float64 {
	if !vectorised() {
		return logisticGo(z, labels, weights, curvature)
	}
	var total float64
	var w [rowsAtOnce]float64
	for i := range w {
		w[i] = 1
	}
	for from := 0; from < len(z); {
		// What does not fill the lanes is copied to where it does.
		count := min(len(z)-from, rowsAtOnce)
		if count >= 4 {
			count &^= 3
			if weights != nil {
				copy(w[:], weights[from:from+count])
			}
			var second *float64
			if curvature != nil {
				second = &curvature[from]
			}
			total += logisticRows(&z[from], &labels[from], &w[0], second, count)
		} else {
			var logits, second, share [4]float64
			var label [4]int32
			copy(logits[:], z[from:])
			copy(label[:], labels[from:])
			for i := range count {
				share[i] = 1
			}
			if weights != nil {
				copy(share[:], weights[from:])
			}
			total += logisticRows(&logits[0], &label[0], &share[0], &second[0], 4)
			copy(z[from:], logits[:])
			if curvature != nil {
				copy(curvature[from:], second[:])
			}
		}
		from += count
	}
	return total
}

// logisticRows takes a multiple of 4 rows, above 0.
//
//go:noescape
func logisticRows(z *float64, labels *int32, weights, curvature *float64, n int) float64

// sigmoids takes a multiple of 4 values, above 0.
//
//go:noescape
func sigmoids(z *float64, n int)
