package lookalike

import "math"

const (
	side    = 28
	strokes = 30
)

// MNIST makes n pictures of 28 × 28 pixels, from 0 to 1, of ten classes: each class has two ways of
// being drawn, of four strokes, of which one may be another's.
func MNIST(n int) *Set {
	const columns, classes, styles = side * side, 10, 2
	s := &Set{Name: "mnist", Rows: make([]float64, n*columns), Columns: columns, Classes: classes, Labels: make([]int, n)}
	shapes := mnistStrokes()
	for i := range n {
		label, style := below(13, i, classes), below(14, i, styles)
		s.Labels[i] = label
		var picked [4]int
		for q := range picked {
			picked[q] = below(12, (label*styles+style)*4+q, strokes)
		}
		if uniform(18, i) < 0.12 {
			picked[below(20, i, 4)] = below(17, i, strokes)
		}
		drawPicture(s.Rows[i*columns:(i+1)*columns], shapes, picked, i)
	}
	return s
}

// mnistStrokes returns pictures of one stroke each: nine blots along a curve.
func mnistStrokes() [][side * side]float64 {
	shapes := make([][side * side]float64, strokes)
	for s := range shapes {
		u := func(k int) float64 { return uniform(11, s*64+k) }
		at := func(k int) float64 { return 5 + float64(18*u(k)) }
		x0, y0, x1, y1 := at(0), at(1), at(2), at(3)
		width := 1.2 + 1.0*u(4)
		bendX, bendY := (u(5)-.5)*14, (u(6)-.5)*14
		for q := range 9 {
			t := float64(q) / 8
			x := x0 + float64((x1-x0)*t) + float64(bendX*4*t*(1-t))
			y := y0 + float64((y1-y0)*t) + float64(bendY*4*t*(1-t))
			for p := range shapes[s] {
				dx, dy := float64(p%side)-x, float64(p/side)-y
				r2 := (float64(dx*dx) + float64(dy*dy)) / (width * width)
				shapes[s][p] = max(shapes[s][p], 1/(1+float64(r2*r2)))
			}
		}
		for p, v := range shapes[s] {
			if v < 0.12 {
				shapes[s][p] = 0
			}
		}
	}
	return shapes
}

func drawPicture(picture []float64, shapes [][side * side]float64, picked [4]int, i int) {
	down, right := below(16, i, 5)-2, below(15, i, 5)-2
	var amplitudes [4]float64
	for q := range amplitudes {
		amplitudes[q] = 0.55 + float64(0.75*uniform(19, i*4+q))
	}
	for y := 3; y < 25; y++ {
		for x := 2; x < 26; x++ {
			from, to := (y-down)*side+(x-right), y*side+x
			v := amplitudes[0] * shapes[picked[0]][from]
			for q := 1; q < 4; q++ {
				v = max(v, amplitudes[q]*shapes[picked[q]][from])
			}
			if v > 0 {
				v += float64(0.12 * normal(21, i*side*side+to))
			}
			v = min(1, max(0, v))
			picture[to] = math.Floor(float64(v*255)+0.5) / 255
		}
	}
}
