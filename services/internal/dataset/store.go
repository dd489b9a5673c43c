package dataset

import "slices"

const (
	firstBlockValues = 1 << 10
	minBlockValues   = 128 << 10 // of the other blocks
)

// store keeps the rows of a table in blocks, so that none is copied while more come in.
type store struct {
	width  int
	blocks [][]float64
	values int // in all blocks
}

// reserve makes room for so many rows, of which none has come in. Where no more come, join
// copies nothing.
func (s *store) reserve(rows int) {
	s.blocks = [][]float64{make([]float64, 0, rows*s.width)}
}

// add returns a new row to write to.
func (s *store) add() []float64 {
	last := len(s.blocks) - 1
	if last < 0 || cap(s.blocks[last])-len(s.blocks[last]) < s.width {
		values := firstBlockValues
		if last >= 0 {
			values = max(minBlockValues, s.values/16)
		}
		s.blocks = append(s.blocks, make([]float64, 0, (values/s.width+1)*s.width))
		last++
	}
	block := s.blocks[last]
	block = block[:len(block)+s.width]
	s.blocks[last] = block
	s.values += s.width
	return block[len(block)-s.width:]
}

// rewrite replaces the values of column j of the first n rows by what replace returns.
func (s *store) rewrite(j, n int, replace func(float64) float64) {
	for _, block := range s.blocks {
		for i := j; i < len(block) && n > 0; i += s.width {
			block[i] = replace(block[i])
			n--
		}
	}
}

// join returns all values in one piece, and forgets them.
func (s *store) join() []float64 {
	blocks := s.blocks
	s.blocks = nil
	if len(blocks) == 1 {
		return slices.Clip(blocks[0])
	}
	all := make([]float64, 0, s.values)
	for i, block := range blocks {
		all = append(all, block...)
		blocks[i] = nil
	}
	return all
}

// addAll returns that many rows to write to, after reserve made room for them.
func (s *store) addAll(rows int) []float64 {
	s.values = rows * s.width
	s.blocks[0] = s.blocks[0][:s.values]
	return s.blocks[0]
}
