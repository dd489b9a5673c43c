//go:build !purego

package kernel

// stepsAtOnce is how many rows of b a panel keeps in the nearest cache.
const stepsAtOnce = 192

func mulAdd(c []float64, ldc int, a []float64, ars, acs int, b []float64, ldb, m, n, k int) {
	if !vectorised() {
		mulAddGo(c, ldc, a, ars, acs, b, ldb, m, n, k)
		return
	}
	if whole := m &^ 15; n == 2 && acs == 1 && whole > 0 {
		pairRows(&c[0], ldc, &a[0], ars, &b[0], ldb, whole, k)
		if m -= whole; m == 0 {
			return
		}
		c, a = c[whole*ldc:], a[whole*ars:]
	}
	next := following(m, ars, acs)
	for t := 0; t < k; t += stepsAtOnce {
		steps, skip := min(stepsAtOnce, k-t), t
		if next == 0 {
			skip = 0
		}
		for j := 0; j < n; {
			width := panelWidth(n - j)
			if m == 1 {
				width = rowWidth(n - j)
			}
			x, y, z := &c[j], &a[t*acs], &b[t*ldb+j]
			switch {
			case width > 16:
				row8(x, y, acs, z, ldb, width, steps)
			case width > 12:
				row4(x, y, acs, z, ldb, width, steps)
			case width > 8:
				panel3(x, ldc, y, ars, acs, z, ldb, m, width, steps, 8*(next+3*skip))
			case width > 4:
				panel2(x, ldc, y, ars, acs, z, ldb, m, width, steps, 8*(next+5*skip))
			default:
				panel1(x, ldc, y, ars, acs, z, ldb, m, width, steps)
			}
			j += width
		}
	}
}

func mulAdd32(c []float64, ldc int, a []float32, ars, acs int, b []float64, ldb, m, n, k int) {
	if !vectorised() {
		mulAddGo(c, ldc, a, ars, acs, b, ldb, m, n, k)
		return
	}
	next := following(m, ars, acs)
	for t := 0; t < k; t += stepsAtOnce {
		steps, skip := min(stepsAtOnce, k-t), t
		if next == 0 {
			skip = 0
		}
		for j := 0; j < n; {
			width := panelWidth(n - j)
			x, y, z := &c[j], &a[t*acs], &b[t*ldb+j]
			switch {
			case width > 8:
				panel3of32(x, ldc, y, ars, acs, z, ldb, m, width, steps, 4*(next+3*skip))
			case width > 4:
				panel2of32(x, ldc, y, ars, acs, z, ldb, m, width, steps, 4*(next+5*skip))
			default:
				panel1of32(x, ldc, y, ars, acs, z, ldb, m, width, steps)
			}
			j += width
		}
	}
}

// following returns how far from a row of a, in values, the one is that the next call is likely to
// read: a panel prefetches it. That is m rows on where many rows of a are read, each from its first
// column to its last; else it is 0.
func following(m, ars, acs int) int {
	if acs != 1 || m*ars < streamed {
		return 0
	}
	return m * ars
}

// streamed is how many values of a are so many that the next ones will not be in the cache.
const streamed = 8 << 10

// panelWidth returns how many of n columns are taken next: 12, but two times 8 of 16, since the
// narrower a panel is, the more of the time goes into loading a.
func panelWidth(n int) int {
	if n > 12 && n <= 16 {
		return 8
	}
	return min(n, 12)
}

// rowWidth returns how many of n columns of a single row are taken next. From 29 to 32 and from 13
// to 16 go to kernels of their own.
func rowWidth(n int) int {
	switch {
	case n > 28:
		return min(n, 32)
	case n > 12:
		return min(n, 16)
	}
	return n
}

// The panels add the product of m rows and k steps to n columns: at most 12, 8, 4, and more
// than 8, 4, 0. The first two prefetch what is ahead bytes after each tile of a, which has 4 and 6
// rows. They are in panels_amd64.s.

//go:noescape
func panel3(c *float64, ldc int, a *float64, ars, acs int, b *float64, ldb, m, n, k, ahead int)

//go:noescape
func panel2(c *float64, ldc int, a *float64, ars, acs int, b *float64, ldb, m, n, k, ahead int)

//go:noescape
func panel1(c *float64, ldc int, a *float64, ars, acs int, b *float64, ldb, m, n, k int)

// pairRows adds the product of m rows, a multiple of 16 above 0, to two columns; the columns of a lie
// side by side.
//
//go:noescape
func pairRows(c *float64, ldc int, a *float64, ars int, b *float64, ldb, m, k int)

// row8 takes 29 to 32 columns, row4 13 to 16.
//
//go:noescape
func row8(c, a *float64, acs int, b *float64, ldb, n, k int)

//go:noescape
func row4(c, a *float64, acs int, b *float64, ldb, n, k int)

//go:noescape
func panel3of32(c *float64, ldc int, a *float32, ars, acs int, b *float64, ldb, m, n, k, ahead int)

//go:noescape
func panel2of32(c *float64, ldc int, a *float32, ars, acs int, b *float64, ldb, m, n, k, ahead int)

//go:noescape
func panel1of32(c *float64, ldc int, a *float32, ars, acs int, b *float64, ldb, m, n, k int)
