package softmax_test

import (
	"math"
	"slices"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

func sum(m softmax.Margin) float64 {
	total := m.Baseline
	for _, c := range m.Contributions {
		total += c
	}
	return total
}

func TestContributionsSumToTheLogOdds(t *testing.T) {
	t.Parallel()
	r := random(10)
	for _, classes := range []int{2, 3, 6} {
		m := randomModel(t, r, mixed(), classes)
		for range 200 {
			row := mixedRow(r)
			probabilities, _ := predict(t, m, row)
			order := softmax.Rank(make([]int, 2), probabilities)
			dst := make([]float64, len(row))
			margin := m.Explain(dst, row, order[0], order[1])
			want := math.Log(probabilities[order[0]] / probabilities[order[1]])
			tolerance := 1e-9 * max(1, math.Abs(want))
			if math.Abs(margin.Total-want) > tolerance || math.Abs(sum(margin)-want) > tolerance {
				t.Errorf("total %v, sum %v, expected %v", margin.Total, sum(margin), want)
			}
			if &margin.Contributions[0] != &dst[0] {
				t.Error("the contributions are not in dst")
			}
		}
	}
}

// A contribution is what the total loses when the encoded value of the feature goes back to the
// reference row's.
func TestContributionIsTheChangeFromTheReferenceRow(t *testing.T) {
	t.Parallel()
	r := random(11)
	m := randomModel(t, r, mixed(), 3)
	d := m.Definition()
	width := d.Signature.Width()
	logOdds := func(encoded []float64, class, against int) float64 {
		z := d.Intercepts[class] - d.Intercepts[against]
		for c, x := range encoded {
			z += x * (d.Weights[class*width+c] - d.Weights[against*width+c])
		}
		return z
	}
	columns := [][2]int{{0, 1}, {1, 4}, {4, 5}, {5, 7}}
	for range 50 {
		row := mixedRow(r)
		margin := m.Explain(make([]float64, 4), row, 2, 1)
		if want := logOdds(d.Reference, 2, 1); math.Abs(margin.Baseline-want) > 1e-12 {
			t.Errorf("baseline %v, expected %v", margin.Baseline, want)
		}
		encoded := d.Signature.Encode(make([]float64, width), row)
		for j, at := range columns {
			back := slices.Clone(encoded)
			copy(back[at[0]:at[1]], d.Reference[at[0]:at[1]])
			want := logOdds(encoded, 2, 1) - logOdds(back, 2, 1)
			if math.Abs(margin.Contributions[j]-want) > 1e-12 {
				t.Errorf("contribution of %s is %v, expected %v", d.Signature.Feature(j).Name, margin.Contributions[j], want)
			}
		}
	}
}

func TestTheReferenceRowNeedsNoExplanation(t *testing.T) {
	t.Parallel()
	r := random(12)
	s := newSignature(t, mixed())
	row := mixedRow(r)
	m := newModel(t, softmax.Definition{
		Signature: s, Classes: names("class", 3),
		Weights: normals(r, 3*s.Width(), 1), Intercepts: normals(r, 3, 1),
		Reference: s.Encode(make([]float64, s.Width()), row),
	})
	margin := m.Explain(make([]float64, 4), row, 0, 2)
	if !slices.Equal(margin.Contributions, make([]float64, 4)) || margin.Total != margin.Baseline {
		t.Errorf("margin %+v, expected contributions of exactly 0", margin)
	}
}

func TestExplainTheOtherWayRound(t *testing.T) {
	t.Parallel()
	r := random(13)
	m := randomModel(t, r, mixed(), 3)
	row := mixedRow(r)
	there := m.Explain(make([]float64, 4), row, 0, 1)
	back := m.Explain(make([]float64, 4), row, 1, 0)
	for j := range there.Contributions {
		if there.Contributions[j] != -back.Contributions[j] {
			t.Errorf("contribution %d is %v one way, %v the other", j, there.Contributions[j], back.Contributions[j])
		}
	}
	if there.Total != -back.Total || there.Baseline != -back.Baseline {
		t.Errorf("%+v one way, %+v the other", there, back)
	}
}

func TestTotalTellsOfOverflow(t *testing.T) {
	t.Parallel()
	m := newModel(t, softmax.Definition{
		Signature: newSignature(t, numeric(2)), Classes: []string{"no", "yes"},
		Weights:    []float64{-1, 0, 1, 1}, // the slopes of x0 and x1 are 2 and 1
		Intercepts: []float64{0, 0},
	})
	isFinite := func(v float64) bool { return v-v == 0 }
	for name, test := range map[string]struct {
		row    []float64
		finite bool
	}{
		"a contribution":              {[]float64{1.5e308, 0}, false},
		"one below and one above":     {[]float64{-1.5e308, 1e308}, false},
		"the sum of two":              {[]float64{0.8e308, 1.7e308}, false},
		"nothing, by opposite signs":  {[]float64{-0.8e308, 1.7e308}, true},
		"nothing, of small as can be": {[]float64{math.SmallestNonzeroFloat64, 0}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			margin := m.Explain(make([]float64, 2), test.row, 1, 0)
			if isFinite(margin.Total) != test.finite {
				t.Errorf("total %v of %+v", margin.Total, margin)
			}
			if test.finite && slices.ContainsFunc(margin.Contributions, func(c float64) bool { return !isFinite(c) }) {
				t.Errorf("a finite total of %+v", margin)
			}
		})
	}
	if _, err := m.Predict(make([]float64, 2), []float64{1.5e308, 0}); err != nil {
		t.Errorf("Predict: %v: expected a row that only Explain overflows on", err)
	}
}

func TestExplainPanicsOnWrongLengths(t *testing.T) {
	t.Parallel()
	m := randomModel(t, random(14), mixed(), 3)
	row := make([]float64, 4)
	wantPanic(t, "softmax: Explain: length mismatch", func() { m.Explain(row[1:], row, 0, 1) })
	wantPanic(t, "softmax: Explain: length mismatch", func() { m.Explain(make([]float64, 4), row[1:], 0, 1) })
}
