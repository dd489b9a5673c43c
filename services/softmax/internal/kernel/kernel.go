// Package kernel holds the inner loops of the engine: products of matrices, rows of softmax and
// cross-entropy with what training needs of them, and operations on vectors.
//
// On amd64 with AVX2 and FMA they run as assembly, everywhere else, and with the build tag purego,
// as Go. The two need not agree in the last bits. Either is a pure function of the numbers: the
// results do not depend on the alignment of slices or on which goroutine calls, and what becomes
// of a row does not depend on the rows beside it, nor on how rows are cut into calls; only a sum
// over rows does. All functions are safe for concurrent use on slices that do not overlap where
// one writes.
//
// Matrices are row-major with a leading dimension: the distance from a row to the next, in
// values. It is at least the number of columns; what lies between is padding, which nothing
// reads. Where a leading dimension has room to round the columns up to a multiple of 4, in the
// last row too, some functions write 0 there, as each says; they are faster then. Products are
// fastest where the number of columns is a multiple of 4, with padding of zeros in place of
// missing ones.
//
// A length that does not fit panics before anything is written.
package kernel

// Pad returns the least multiple of 4 that is not below n: the leading dimension with which rows
// of n values are fastest.
func Pad(n int) int { return (n + 3) &^ 3 }

// checkMatrix panics unless a slice of that length holds a matrix.
func checkMatrix(length, ld, rows, columns int) {
	if rows < 0 || columns < 0 {
		panic("kernel: negative size")
	}
	if rows > 0 && columns > 0 && (ld < columns || !spans(length-columns, ld, rows)) {
		panic("kernel: matrix does not fit its slice")
	}
}

// spans reports whether count steps of that stride, the first at 0, stay within limit. It does
// not overflow.
func spans(limit, stride, count int) bool {
	return limit >= 0 && (count == 1 || stride <= limit/(count-1))
}

func checkLengths(a, b int) {
	if a != b {
		panic("kernel: length mismatch")
	}
}
