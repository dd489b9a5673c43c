package compare

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{3}, 3},
		{[]float64{9, 1, 2}, 2},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		before := append([]float64(nil), test.values...)
		if got := Median(test.values); got != test.want {
			t.Errorf("Median(%v) = %v, expected %v", test.values, got, test.want)
		}
		if diff := cmp.Diff(before, test.values); diff != "" {
			t.Errorf("the values were moved (-before +after):\n%s", diff)
		}
	}
	if got := Median(nil); !math.IsNaN(got) {
		t.Errorf("the median of nothing is %v, expected NaN", got)
	}
}

// TestSummarise has rounds in which the machine got slower and slower, which ratios do not see:
// the ratio of the medians would be another than the median of the ratios.
func TestSummarise(t *testing.T) {
	t.Parallel()
	cost := func(micros int) Cost { return Cost{Units: 10, CPU: 10 * time.Duration(micros) * time.Microsecond} }
	rounds := [][]Cost{
		{cost(20), cost(999), cost(10)},
		{cost(60), cost(999), cost(20)},
		{cost(80), cost(999), cost(50)},
	}
	want := Summary{A: 60, B: 20, Ratio: 2, Low: 1.6, High: 3}
	if diff := cmp.Diff(want, Summarise(rounds, 0, 2, Cost.PerUnit)); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

func TestCost(t *testing.T) {
	t.Parallel()
	start := time.Now()
	before := reading{at: start, done: 100, cpu: time.Second}
	after := reading{at: start.Add(2 * time.Second), done: 1100, cpu: 1500 * time.Millisecond}
	got := after.since(before)
	if want := (Cost{Units: 1000, CPU: 500 * time.Millisecond, Elapsed: 2 * time.Second}); got != want {
		t.Errorf("the cost is %v, expected %v", got, want)
	}
	if got.PerUnit() != 500 || got.PerSecond() != 500 {
		t.Errorf("%v µs a unit and %v units a second, expected 500 and 500", got.PerUnit(), got.PerSecond())
	}
}

// TestOrder looks whether each contestant is first, and comes before each other, about as often
// as the others.
func TestOrder(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3} {
		first := make([]int, n)
		before := make(map[[2]int]int)
		rounds := 2 * n
		for round := range rounds {
			list := order(n, round)
			seen := make([]bool, n)
			for i, a := range list {
				seen[a] = true
				for _, b := range list[i+1:] {
					before[[2]int{a, b}]++
				}
			}
			for a, was := range seen {
				if !was {
					t.Errorf("order(%d, %d) = %v lacks %d", n, round, list, a)
				}
			}
			first[list[0]]++
		}
		for a := range n {
			if first[a] != rounds/n {
				t.Errorf("of %d contestants in %d rounds, %d is first %d times", n, rounds, a, first[a])
			}
			for b := range n {
				if a != b && before[[2]int{a, b}] != rounds/2 {
					t.Errorf("of %d contestants in %d rounds, %d comes before %d %d times", n, rounds, a, b, before[[2]int{a, b}])
				}
			}
		}
	}
}

// TestRounds looks whether costs stand under the contestant that they are of, in whatever order
// they were measured.
func TestRounds(t *testing.T) {
	t.Parallel()
	got, err := rounds(Options{Rounds: 4}, 2, func(order []int, costs []Cost) error {
		for _, i := range order {
			costs[i].Units = uint64(i + 1)
		}
		return nil
	})
	one := []Cost{{Units: 1}, {Units: 2}}
	if diff := cmp.Diff([][]Cost{one, one, one, one}, got); err != nil || diff != "" {
		t.Errorf("rounds (-want +got), error %v:\n%s", err, diff)
	}
	broken := errors.New("broken")
	if _, err := rounds(Options{Rounds: 4}, 2, func([]int, []Cost) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got the error %v, expected that of the round", err)
	}
}
