package dataset

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// labelled returns labels with the given number of rows of each class, in mixed order.
func labelled(counts ...int) []int {
	var labels []int
	for class, n := range counts {
		labels = append(labels, slices.Repeat([]int{class}, n)...)
	}
	random := rand.New(rand.NewPCG(7, 7))
	random.Shuffle(len(labels), func(i, j int) { labels[i], labels[j] = labels[j], labels[i] })
	return labels
}

func countsOf(labels, rows []int, classes int) []int {
	counts := make([]int, classes)
	for _, row := range rows {
		counts[labels[row]]++
	}
	return counts
}

func TestHoldOutTakesItsShareOfEachClass(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		counts []int
		share  float64
		want   []int
	}{
		{"even", []int{50, 50, 50}, 0.2, []int{10, 10, 10}},
		{"uneven", []int{90, 10}, 0.2, []int{18, 2}},
		{"remainders to the largest", []int{11, 13, 16}, 0.25, []int{3, 3, 4}},
		{"small classes", []int{2, 2, 2, 2, 2}, 0.2, []int{1, 1, 0, 0, 0}},
		{"a class of one row", []int{1, 9}, 0.2, []int{0, 2}},
		{"all but one", []int{3, 5}, 0.99, []int{2, 4}},
		{"none", []int{3, 5}, 0, []int{0, 0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			labels := labelled(test.counts...)
			train, held := HoldOut(labels, len(test.counts), test.share, 1)
			if got := countsOf(labels, held, len(test.counts)); !slices.Equal(got, test.want) {
				t.Errorf("held out are %v of each class, expected %v", got, test.want)
			}
			expectPartition(t, len(labels), train, held)
		})
	}
}

func TestFoldsAreStratified(t *testing.T) {
	t.Parallel()
	counts := []int{50, 7, 23}
	labels := labelled(counts...)
	folds := Folds(labels, len(counts), 5, 1)
	expectPartition(t, len(labels), folds...)
	for f, fold := range folds {
		if len(fold) != 16 {
			t.Errorf("fold %d has %d rows, expected 16", f, len(fold))
		}
		for class, got := range countsOf(labels, fold, len(counts)) {
			if low := counts[class] / 5; got < low || got > low+1 {
				t.Errorf("fold %d has %d rows of class %d, expected %d or %d", f, got, class, low, low+1)
			}
		}
	}
}

func TestSplitsFollowTheSeed(t *testing.T) {
	t.Parallel()
	labels := labelled(30, 30)
	_, first := HoldOut(labels, 2, 0.3, 1)
	_, again := HoldOut(labels, 2, 0.3, 1)
	_, other := HoldOut(labels, 2, 0.3, 2)
	if !slices.Equal(first, again) || slices.Equal(first, other) {
		t.Error("the rows held out do not follow the seed")
	}
	folds := Folds(labels, 2, 3, 1)
	if !reflect.DeepEqual(folds, Folds(labels, 2, 3, 1)) || reflect.DeepEqual(folds, Folds(labels, 2, 3, 2)) {
		t.Error("the folds do not follow the seed")
	}
}

// expectPartition checks that the parts ascend, and hold each of n rows once.
func expectPartition(t *testing.T, n int, parts ...[]int) {
	t.Helper()
	var all []int
	for _, part := range parts {
		if !slices.IsSorted(part) {
			t.Errorf("rows do not ascend: %v", part)
		}
		all = append(all, part...)
	}
	slices.Sort(all)
	for i, row := range all {
		if i != row {
			t.Fatalf("the parts do not hold each row once: %v", all)
		}
	}
	if len(all) != n {
		t.Errorf("the parts hold %d rows, expected %d", len(all), n)
	}
}
