package dataset

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// The second halves of the seeds of the two splits, so that neither follows from the other.
const (
	holdOutStream = 0x686f6c646f7574
	foldsStream   = 0x666f6c6473
)

// HoldOut divides rows into some to train on and some held out, both ascending. labels hold the
// class of each row, 0 to classes-1. Of n rows, share × n are held out, rounded, and of each
// class its part as nearly as whole rows allow; but at least one row of each class is left to
// train on. The same seed gives the same rows.
func HoldOut(labels []int, classes int, share float64, seed uint32) (train, held []int) {
	random := rand.New(rand.NewPCG(uint64(seed), holdOutStream))
	byClass := shuffledByClass(labels, classes, random)
	quota := apportion(byClass, share, len(labels))
	for class, rows := range byClass {
		held = append(held, rows[:quota[class]]...)
		train = append(train, rows[quota[class]:]...)
	}
	slices.Sort(train)
	slices.Sort(held)
	return train, held
}

// apportion returns how many rows of each class to hold out: by largest remainder.
func apportion(byClass [][]int, share float64, n int) []int {
	quota := make([]int, len(byClass))
	remainder := make([]float64, len(byClass))
	order := make([]int, len(byClass))
	left := int(math.Round(share * float64(n)))
	for class, rows := range byClass {
		exact := share * float64(len(rows))
		quota[class] = max(0, min(int(exact), len(rows)-1))
		remainder[class] = exact - float64(quota[class])
		order[class] = class
		left -= quota[class]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(remainder[b], remainder[a]) })
	for _, class := range order {
		if left > 0 && quota[class] < len(byClass[class])-1 {
			quota[class]++
			left--
		}
	}
	return quota
}

// Folds divides rows into k folds, each ascending; every row is in one fold. labels hold the
// class of each row, 0 to classes-1. The sizes of the folds differ by at most one, and so does
// the number of rows of each class in them. The same seed gives the same folds. It panics if k
// is less than 1.
func Folds(labels []int, classes, k int, seed uint32) [][]int {
	random := rand.New(rand.NewPCG(uint64(seed), foldsStream))
	folds := make([][]int, k)
	next := 0
	for _, rows := range shuffledByClass(labels, classes, random) {
		for _, row := range rows {
			folds[next] = append(folds[next], row)
			next = (next + 1) % k
		}
	}
	for _, fold := range folds {
		slices.Sort(fold)
	}
	return folds
}

func shuffledByClass(labels []int, classes int, random *rand.Rand) [][]int {
	byClass := make([][]int, classes)
	for row, class := range labels {
		byClass[class] = append(byClass[class], row)
	}
	for _, rows := range byClass {
		random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	}
	return byClass
}
