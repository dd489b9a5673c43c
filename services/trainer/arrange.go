package trainer

import (
	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/softmax"
)

// arrangement moves the rows of a table, so that those to fit and those held out lie side by side
// without a copy of the table. Sparse rows, which differ in length, are copied.
type arrangement struct {
	table *dataset.Table
	order []int       // which row lies at each position; nil: each at its own
	fills []float64   // what stood in for the missing values of each feature; nil: it still does
	ended func() bool // says that nobody wants the rows any more, in whatever order; nil: they do
}

// split returns samples of the rows to fit and of those held out, which together are some of the
// table's or all. They are valid until the next call or restore. What stands in for missing
// values is taken from the rows to fit: those held out stay unseen.
func (a *arrangement) split(train, held []int) (fit, check softmax.Samples) {
	a.restore()
	if a.table.Sparse != nil {
		return a.gather(train), a.gather(held)
	}
	a.impute(train)
	a.order = a.complete(train, held)
	a.move(permute[float64], permute[int])
	return a.samples(0, len(train)), a.samples(len(train), len(train)+len(held))
}

// all returns samples of the whole table, in its order.
func (a *arrangement) all() softmax.Samples {
	a.restore()
	return a.samples(0, a.table.Len())
}

// restore puts everything back where it was, if anybody still wants it.
func (a *arrangement) restore() {
	if a.ended != nil && a.ended() {
		return
	}
	if a.order != nil {
		a.move(unpermute[float64], unpermute[int])
		a.order = nil
	}
	if a.fills != nil {
		a.fill(a.fills)
		a.fills = nil
	}
}

func (a *arrangement) move(floats func([]float64, int, []int, func() bool), ints func([]int, int, []int, func() bool)) {
	t := a.table
	floats(t.Rows, t.Signature.Len(), a.order, a.ended)
	ints(t.Labels, 1, a.order, a.ended)
	if t.Weights != nil {
		floats(t.Weights, 1, a.order, a.ended)
	}
}

// movesPerCheck is how many items are moved between two looks at whether they are wanted.
const movesPerCheck = 1 << 14

// unwanted returns a function to call before each move, which now and then asks whether that has
// ended.
func unwanted(ended func() bool) func() bool {
	moves := 0
	return func() bool {
		moves++
		return ended != nil && moves%movesPerCheck == 1 && ended()
	}
}

// complete returns the rows in the order train, held, rest.
func (a *arrangement) complete(train, held []int) []int {
	order := make([]int, 0, a.table.Len())
	order = append(append(order, train...), held...)
	if len(order) == a.table.Len() {
		return order
	}
	taken := make([]bool, a.table.Len())
	for _, row := range order {
		taken[row] = true
	}
	for row, is := range taken {
		if !is {
			order = append(order, row)
		}
	}
	return order
}

func (a *arrangement) samples(from, to int) softmax.Samples {
	t, p := a.table, a.table.Signature.Len()
	s := softmax.Samples{Labels: t.Labels[from:to]}
	if t.Weights != nil {
		s.Weights = t.Weights[from:to]
	}
	if t.Sparse != nil {
		s.Sparse = t.Sparse
		return s
	}
	s.Rows = t.Rows[from*p : to*p]
	return s
}

// gather copies sparse rows.
func (a *arrangement) gather(rows []int) softmax.Samples {
	t, from := a.table, a.table.Sparse
	values := 0
	for _, row := range rows {
		values += from.Start[row+1] - from.Start[row]
	}
	to := &softmax.Sparse{
		Start:   make([]int, 1, len(rows)+1),
		Columns: make([]int32, 0, values),
		Values:  make([]float64, 0, values),
	}
	s := softmax.Samples{Sparse: to, Labels: make([]int, len(rows))}
	if t.Weights != nil {
		s.Weights = make([]float64, len(rows))
	}
	for i, row := range rows {
		begin, end := from.Start[row], from.Start[row+1]
		to.Columns = append(to.Columns, from.Columns[begin:end]...)
		to.Values = append(to.Values, from.Values[begin:end]...)
		to.Start = append(to.Start, len(to.Values))
		s.Labels[i] = t.Labels[row]
		if t.Weights != nil {
			s.Weights[i] = t.Weights[row]
		}
	}
	return s
}

// permute moves the items, of so many values each, so that item order[i] comes to position i.
// It stops midway when that has ended.
func permute[T any](values []T, width int, order []int, ended func() bool) {
	item := func(i int) []T { return values[i*width : (i+1)*width] }
	moved, first, stop := make([]bool, len(order)), make([]T, width), unwanted(ended)
	for start := range order {
		if moved[start] {
			continue
		}
		copy(first, item(start))
		at := start
		for ; order[at] != start; at = order[at] {
			if stop() {
				return
			}
			copy(item(at), item(order[at]))
			moved[at] = true
		}
		copy(item(at), first)
		moved[at] = true
	}
}

// unpermute takes permute back, and stops as it does.
func unpermute[T any](values []T, width int, order []int, ended func() bool) {
	item := func(i int) []T { return values[i*width : (i+1)*width] }
	moved, carried, stop := make([]bool, len(order)), make([]T, width), unwanted(ended)
	for start := range order {
		if moved[start] {
			continue
		}
		copy(carried, item(start))
		for at := start; !moved[start]; {
			if stop() {
				return
			}
			at = order[at]
			for j, v := range item(at) {
				item(at)[j], carried[j] = carried[j], v
			}
			moved[at] = true
		}
	}
}
