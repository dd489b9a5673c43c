package lookalike

import "math"

// fraudDeviations returns the standard deviations of the columns that look like principal components.
func fraudDeviations() [28]float64 {
	return [28]float64{
		1.96, 1.65, 1.52, 1.42, 1.38, 1.33, 1.24, 1.19, 1.10, 1.09, 1.02, 1.00, 1.0, .96, .92, .88, .85, .84, .81, .77, .73, .73, .62, .61,
		.52, .48, .40, .33,
	}
}

// Fraud makes n card payments, of which one in 500 is fraud: 30 columns, of two classes. The time
// and the amount are standardised; raw leaves them as they are.
func Fraud(n int, raw bool) *Set {
	const columns = 30
	s := &Set{Name: "fraud", Rows: make([]float64, n*columns), Columns: columns, Classes: 2, Labels: make([]int, n)}
	deviations := fraudDeviations()
	var shifts [28]float64
	for j := range shifts {
		shifts[j] = normal(42, j) * 0.55
	}
	for i := range n {
		var y float64
		if uniform(41, i) < 0.002 {
			s.Labels[i], y = 1, 1
		}
		row := s.Rows[i*columns : (i+1)*columns]
		for j, deviation := range deviations {
			seed := uint64(j)
			z, t := normal(50+seed, i), normal(80+seed, i)
			z *= 0.6 + float64(0.25*t*t)
			shift := y * shifts[j] * (0.6 + float64(0.8*uniform(110+seed, i)))
			row[1+j] = math.Floor(float64(deviation*(z+shift)*65536)+.5) / 65536
		}
		q := uniform(44, i)
		row[0] = math.Floor(uniform(43, i) * 172792)
		row[29] = math.Floor(100*(5+25*q/(1.02-q)+float64(y*10))) / 100
	}
	if raw {
		s.Name = "fraud raw"
		return s
	}
	for _, j := range []int{0, 29} {
		mean, deviation := moments(s.Rows, columns, j)
		for i := range n {
			v := &s.Rows[i*columns+j]
			*v = math.Floor(float64((*v-mean)/deviation*65536)+.5) / 65536
		}
	}
	return s
}
