package kernel

// MulAdd adds a product to c, which is m × n with the leading dimension ldc:
//
//	c[i*ldc+j] += sum over t < k of a[i*ars+t*acs] · b[t*ldb+j]
//
// The strides of a, ars from row to row and acs from column to column, are free, 0 included: a
// transposed matrix, a column or a constant needs no copy. b has the leading dimension ldb.
//
// Each element of c is one chain of additions that begins with its value and goes up in t. So
// the result is the same, in all bits, however m, n and k are cut into calls, as long as t goes
// up. c must not overlap a or b.
func MulAdd(c []float64, ldc int, a []float64, ars, acs int, b []float64, ldb, m, n, k int) {
	if !checkProduct(len(c), ldc, len(a), ars, acs, len(b), ldb, m, n, k) {
		return
	}
	mulAdd(c, ldc, a, ars, acs, b, ldb, m, n, k)
}

// MulAdd32 is MulAdd of an a that is kept in half the memory. The sums are those of its values
// in float64.
func MulAdd32(c []float64, ldc int, a []float32, ars, acs int, b []float64, ldb, m, n, k int) {
	if !checkProduct(len(c), ldc, len(a), ars, acs, len(b), ldb, m, n, k) {
		return
	}
	mulAdd32(c, ldc, a, ars, acs, b, ldb, m, n, k)
}

// checkProduct panics unless the slices hold the matrices. It reports whether there is anything
// to do.
func checkProduct(lenC, ldc, lenA, ars, acs, lenB, ldb, m, n, k int) bool {
	if m < 0 || n < 0 || k < 0 {
		panic("kernel: negative size")
	}
	if m == 0 || n == 0 || k == 0 {
		return false
	}
	checkMatrix(lenC, ldc, m, n)
	checkMatrix(lenB, ldb, k, n)
	if ars < 0 || acs < 0 || !spans(lenA-1, ars, m) || !spans(lenA-1-(m-1)*ars, acs, k) {
		panic("kernel: matrix does not fit its slice")
	}
	return true
}

func mulAddGo[T float32 | float64](c []float64, ldc int, a []T, ars, acs int, b []float64, ldb, m, n, k int) {
	j := 0
	for ; j+4 <= n; j += 4 {
		i := 0
		for ; i+2 <= m; i += 2 {
			twoRows(c[i*ldc+j:], ldc, a[i*ars:], ars, acs, b[j:], ldb, k)
		}
		if i < m {
			oneRow(c[i*ldc+j:], a[i*ars:], acs, b[j:], ldb, k)
		}
	}
	for ; j < n; j++ {
		for i := range m {
			sum := c[i*ldc+j]
			for t := range k {
				sum = fma(float64(a[i*ars+t*acs]), b[t*ldb+j], sum)
			}
			c[i*ldc+j] = sum
		}
	}
}

// twoRows is the product for two rows and four columns.
func twoRows[T float32 | float64](c []float64, ldc int, a []T, ars, acs int, b []float64, ldb, k int) {
	c0, c1 := c[:4], c[ldc:ldc+4]
	s00, s01, s02, s03 := c0[0], c0[1], c0[2], c0[3]
	s10, s11, s12, s13 := c1[0], c1[1], c1[2], c1[3]
	for t := range k {
		x0, x1, w := float64(a[t*acs]), float64(a[ars+t*acs]), b[t*ldb:t*ldb+4]
		s00, s01, s02, s03 = fma(x0, w[0], s00), fma(x0, w[1], s01), fma(x0, w[2], s02), fma(x0, w[3], s03)
		s10, s11, s12, s13 = fma(x1, w[0], s10), fma(x1, w[1], s11), fma(x1, w[2], s12), fma(x1, w[3], s13)
	}
	c0[0], c0[1], c0[2], c0[3] = s00, s01, s02, s03
	c1[0], c1[1], c1[2], c1[3] = s10, s11, s12, s13
}

// oneRow is the product for one row and four columns.
func oneRow[T float32 | float64](c []float64, a []T, acs int, b []float64, ldb, k int) {
	c = c[:4]
	s0, s1, s2, s3 := c[0], c[1], c[2], c[3]
	for t := range k {
		x, w := float64(a[t*acs]), b[t*ldb:t*ldb+4]
		s0, s1, s2, s3 = fma(x, w[0], s0), fma(x, w[1], s1), fma(x, w[2], s2), fma(x, w[3], s3)
	}
	c[0], c[1], c[2], c[3] = s0, s1, s2, s3
}
