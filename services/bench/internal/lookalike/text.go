package lookalike

import (
	"math"
	"slices"
)

// Text makes n texts of 80 different words out of 50,000, weighted and of length 1 each, of twenty
// classes.
func Text(n int) *Set {
	const columns, classes, words = 50_000, 20, 80
	s := &Set{
		Name: "text", Start: make([]int, 1, n+1), Index: make([]int32, 0, n*words), Values: make([]float64, 0, n*words),
		Columns: columns, Classes: classes, Labels: make([]int, n),
	}
	for i := range n {
		s.Labels[i] = below(61, i, classes)
		index := textWords(i, s.Labels[i], below(64, i, classes), columns, words)
		var sum float64
		first := len(s.Values)
		for k, word := range index {
			v := (1 + uniform(65, i*words+k)) * (1 + float64(6.0*math.Sqrt(float64(word)/columns)))
			sum += float64(v * v)
			s.Values = append(s.Values, v)
		}
		length := math.Sqrt(sum)
		for k := first; k < len(s.Values); k++ {
			s.Values[k] /= length
		}
		s.Index = append(s.Index, index...)
		s.Start = append(s.Start, len(s.Index))
	}
	return s
}

// textWords returns the words of text i, ascending: some are typical of one class, some of another.
func textWords(i, label, other, vocabulary, words int) []int32 {
	drawn := words + 60
	index := make([]int32, 0, words)
	for k := 0; k < drawn && len(index) < words; k++ {
		u, t := uniform(62, i*drawn+k), uniform(63, i*drawn+k)
		word := int(math.Floor(float64(vocabulary) * (u * u * u)))
		switch {
		case t < 0.16:
			word = (word*7919 + (label+1)*2503) % vocabulary
		case t < 0.28:
			word = (word*7919 + (other+1)*2503) % vocabulary
		}
		if !slices.Contains(index, int32(word)) {
			index = append(index, int32(word))
		}
	}
	slices.Sort(index)
	return index
}
