package hotjson

import (
	"google.golang.org/protobuf/types/known/structpb"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

// What follows allocates many small values as few large ones. Blocks begin as small as what is
// asked for and double, so that memory stays in proportion to what was sent.

const (
	maxSlabRows    = 256
	maxSlabDoubles = 4096
)

// numberValue and stringValue are a value of a struct in one piece.
type (
	numberValue struct {
		value structpb.Value
		kind  structpb.Value_NumberValue
	}
	stringValue struct {
		value structpb.Value
		kind  structpb.Value_StringValue
	}
)

// rowSlab hands out rows.
type rowSlab struct {
	free []predictionv1.Row
	size int
}

func (s *rowSlab) next() *predictionv1.Row {
	if len(s.free) == 0 {
		s.size = min(max(1, 2*s.size), maxSlabRows)
		s.free = make([]predictionv1.Row, s.size)
	}
	row := &s.free[0]
	s.free = s.free[1:]
	return row
}

// doubleSlab hands out memory for lists of doubles.
type doubleSlab struct {
	free []float64
	size int
}

// grab returns an empty list with room for n. What is put into it is kept by keep.
func (s *doubleSlab) grab(n int) []float64 {
	if cap(s.free) < n {
		s.size = max(n, min(2*s.size, maxSlabDoubles))
		s.free = make([]float64, 0, s.size)
	}
	return s.free[:0:n]
}

// keep says that the first n of what was grabbed last are in use.
func (s *doubleSlab) keep(n int) {
	if n <= cap(s.free) {
		s.free = s.free[n:n:cap(s.free)]
	}
}
