package lookalike

import "math"

// Covtype makes n plots of forest: ten measurements and two groups of indicators, 4 and 40, 54
// columns; of seven classes. The measurements are standardised; raw has them in metres and
// degrees.
func Covtype(n int, raw bool) *Set {
	const columns, classes = 54, 7
	s := &Set{Name: "covtype", Rows: make([]float64, n*columns), Columns: columns, Classes: classes, Labels: make([]int, n)}
	mix, tastes := covtypeMix(), covtypeTastes()
	for i := range n {
		row := s.Rows[i*columns : (i+1)*columns]
		covtypeMeasures(row[:10], &mix, i)
		aspect := float64(below(33, i, 97)) / 97
		wild := int(min(3, max(0, math.Floor(2+float64(1.1*row[0])+float64(0.7*(aspect-.5)*4)))))
		level := 0.5 + float64(0.18*row[0]) + float64(0.10*row[1]) + float64(0.5*(uniform(34, i)-.5))
		soil := int(min(39, math.Floor(40*min(0.9999, max(0, level)))))
		row[10+wild], row[14+soil] = 1, 1
		s.Labels[i] = covtypeClass(row, &tastes, 10+wild, 14+soil, i)
	}
	standardiseCovtype(s, raw)
	return s
}

func covtypeMix() (mix [10][10]float64) {
	for j := range mix {
		for k := range mix[j] {
			mix[j][k] = normal(32, j*10+k) * 0.45
		}
		mix[j][j]++
	}
	return mix
}

func covtypeTastes() (tastes [54][7]float64) {
	for j := range tastes {
		for k := range tastes[j] {
			tastes[j][k] = normal(35, j*7+k) * 0.9
		}
	}
	return tastes
}

func covtypeMeasures(row []float64, mix *[10][10]float64, i int) {
	for j := range 10 {
		z := normal(31, i*10+j)
		for k := range row {
			row[k] += float64(z * mix[j][k])
		}
	}
	for k := 3; k < 6; k++ {
		if row[k] > 0 {
			row[k] *= row[k]
		} else {
			row[k] *= 0.2
		}
	}
}

func covtypeClass(row []float64, tastes *[54][7]float64, wild, soil, i int) int {
	best, largest := 0, math.Inf(-1)
	for k, base := range [7]float64{1.9, 2.4, -0.6, -3.4, -1.9, -1.2, -1.0} {
		logit := base * 1.3
		for j := range 10 {
			logit += float64(row[j] * tastes[j][k])
		}
		logit = logit + tastes[wild][k] + tastes[soil][k] + float64(0.5*(row[0]*row[1])*tastes[0][k])
		logit += float64(1.6 * normal(36, i*7+k))
		if logit > largest {
			best, largest = k, logit
		}
	}
	return best
}

func standardiseCovtype(s *Set, raw bool) {
	if raw {
		s.Name = "covtype raw"
	}
	means := [10]float64{2959., 155, 14, 269, 46, 2350, 212, 223, 142, 1980}
	deviations := [10]float64{280., 112, 7.5, 212, 58, 1559, 27, 20, 38, 1325}
	for j := range 10 {
		mean, deviation := moments(s.Rows, s.Columns, j)
		for i := range s.Labels {
			v := &s.Rows[i*s.Columns+j]
			*v = math.Floor(float64((*v-mean)/deviation*4096)+.5) / 4096
			if raw {
				*v = math.Floor(float64(*v*deviations[j]) + means[j] + .5)
			}
		}
	}
}
