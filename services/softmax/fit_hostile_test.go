package softmax_test

import (
	"context"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/softmax"
)

// withColumns returns the table with more columns, each made of its row.
func (tb *table) withColumns(t testing.TB, columns ...func(row []float64) float64) table {
	t.Helper()
	p := tb.signature.Len()
	other := table{signature: newSignature(t, numeric(p+len(columns))), classes: tb.classes, samples: tb.samples}
	other.samples.Rows = nil
	for i := range tb.samples.Labels {
		row := tb.row(i)
		other.samples.Rows = append(other.samples.Rows, row...)
		for _, column := range columns {
			other.samples.Rows = append(other.samples.Rows, column(row))
		}
	}
	return other
}

// Whatever the columns and C are like, the fit converges, to no worse a minimum than without these
// columns, and its certificate is worth something.
func TestHostileColumns(t *testing.T) {
	t.Parallel()
	first := func(row []float64) float64 { return row[0] }
	sum := func(row []float64) float64 { return 3*row[0] - row[1] }
	constant := func([]float64) float64 { return 1e6 / 3 }
	zero := func([]float64) float64 { return 0 }
	huge := func(row []float64) float64 { return 1e9 * row[1] }
	tiny := func(row []float64) float64 { return 1e-9 * row[2] }
	far := func(row []float64) float64 { return row[1] + 1e8 }
	for name, columns := range map[string][]func([]float64) float64{
		"duplicate":     {first, first},
		"collinear":     {sum},
		"constant":      {constant, zero, constant},
		"of all scales": {huge, tiny},
		"far from 0":    {far},
		"all at once":   {first, sum, constant, zero, huge, tiny, far},
	} {
		for _, classes := range []int{2, 3} {
			plain := noisy(t, random(80), 150, 3, classes, 1)
			data := plain.withColumns(t, columns...)
			for _, c := range []float64{1e-4, 1, 1e6} {
				for _, options := range []softmax.FitOptions{{C: c}, {C: c, Standardise: true}, {C: c, NoIntercept: true}} {
					result, err := softmax.Fit(context.Background(), data.signature, data.classes, data.samples, options)
					if err != nil {
						t.Errorf("%s, %d classes, %+v: %v", name, classes, options, err)
						continue
					}
					fewer := plain.fit(t, options)
					if result.Objective > (1+1e-9)*fewer.Objective {
						t.Errorf("%s, %d classes, %+v: objective %v, without these columns %v", name, classes, options, result.Objective, fewer.Objective)
					}
					// With hardly a penalty, derivatives by weights of huge columns are all rounding.
					worth := 1e-6
					switch {
					case c > 1 && len(columns) > 2:
						worth = math.Inf(1)
					case c > 1:
						worth = 0.1
					}
					if !(result.Gap <= worth*result.Objective) {
						t.Errorf("%s, %d classes, %+v: the gap is at most %v of %v", name, classes, options, result.Gap, result.Objective)
					}
				}
			}
		}
	}
}

// Columns so small, or penalties so strong, that weights, scales or penalties are beyond all numbers:
// what is reported is finite, and the other columns are fitted all the same.
func TestColumnsAndPenaltiesBeyondAllNumbers(t *testing.T) {
	t.Parallel()
	for _, n := range []int{100, 50_000} {
		for _, classes := range []int{2, 3} {
			plain := noisy(t, random(88), n, 2, classes, 1)
			for _, scale := range []float64{5e-324, 1e-310, 1e-305, 1e-301, 1e-160, 1e140} {
				data := plain.withColumns(t, func(row []float64) float64 { return scale * row[0] })
				for _, weight := range []float64{1, 1e-300} {
					data.samples.Weights = slices.Repeat([]float64{weight}, n)
					for _, options := range []softmax.FitOptions{
						{Unpenalised: true}, {Unpenalised: true, NoIntercept: true}, {C: 1e-150}, {L1Ratio: 1},
						{L1Ratio: 1, C: 1e150}, {L1Ratio: 1, C: 1e-150}, {L1Ratio: 0.5, C: 1e-150, Standardise: true},
						{C: 1e-150, Standardise: true},
					} {
						if n > 100 && !options.Unpenalised {
							continue
						}
						options.MaxIterations = 200
						result, err := softmax.Fit(context.Background(), data.signature, data.classes, data.samples, options)
						if err != nil {
							t.Errorf("%d rows, %d classes, scale %v, weight %v, %+v: %v", n, classes, scale, weight, options, err)
							continue
						}
						if limit := 1.000001 * weight * float64(n) * math.Log(float64(classes)); !(result.Objective <= limit) {
							t.Errorf("%d rows, %d classes, scale %v, weight %v, %+v: objective %v, that of no weights %v",
								n, classes, scale, weight, options, result.Objective, limit)
						}
						if math.IsNaN(result.Gap) || math.IsNaN(result.Distance) || !(result.GradientNorm >= 0) {
							t.Errorf("%d rows, %d classes, scale %v, weight %v, %+v: gap %v, distance %v, gradient %v",
								n, classes, scale, weight, options, result.Gap, result.Distance, result.GradientNorm)
						}
					}
				}
			}
		}
	}
}

func TestUnpenalisedColumnsThatSayTheSame(t *testing.T) {
	t.Parallel()
	for _, classes := range []int{2, 3} {
		plain := noisy(t, random(81), 200, 3, classes, 2)
		want := plain.fit(t, softmax.FitOptions{Unpenalised: true})
		data := plain.withColumns(t,
			func(row []float64) float64 { return row[0] },
			func(row []float64) float64 { return row[1] - row[2] },
			func([]float64) float64 { return 5 })
		got := data.fit(t, softmax.FitOptions{Unpenalised: true})
		if math.Abs(got.Objective-want.Objective) > 1e-10*want.Objective {
			t.Errorf("%d classes: objective %v, expected %v", classes, got.Objective, want.Objective)
		}
		if d := got.Model.Definition(); max(slices.Max(d.Weights), -slices.Min(d.Weights)) > 100 {
			t.Errorf("%d classes: weights %v", classes, d.Weights)
		}
	}
}

// There is no minimum: the weights grow until every row has its class almost for certain.
func TestSeparableRowsWithoutPenalty(t *testing.T) {
	t.Parallel()
	for _, classes := range []int{2, 3, 5} {
		for _, plain := range []bool{false, true} {
			data := noisy(t, random(82), 300, 3, classes, 0)
			result := data.fit(t, softmax.FitOptions{Unpenalised: true, NoIntercept: plain})
			if result.Objective > 1e-6 || !math.IsInf(result.Gap, 1) {
				t.Errorf("%d classes: objective %v, gap %v", classes, result.Objective, result.Gap)
			}
			for i, label := range data.samples.Labels {
				if _, class := predict(t, result.Model, data.row(i)); class != label {
					t.Errorf("%d classes, row %d: class %d, expected %d", classes, i, class, label)
				}
			}
		}
	}
}

func TestFewRows(t *testing.T) {
	t.Parallel()
	two := table{
		signature: newSignature(t, numeric(3)), classes: names("class", 2),
		samples: softmax.Samples{Rows: []float64{1, 2, 3, 4, 5, 6}, Labels: []int{1, 0}},
	}
	result := two.fit(t, softmax.FitOptions{C: 0.5})
	checkMinimum(t, &two, 0.5, result)
	// More columns than rows.
	r := random(83)
	for _, p := range []int{40, 1500} {
		wide := table{signature: newSignature(t, numeric(p)), classes: names("class", 3)}
		wide.samples = softmax.Samples{Rows: normals(r, 12*p, 1), Labels: []int{0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2}}
		if result := wide.fit(t, softmax.FitOptions{}); result.Gap > 1e-10*result.Objective {
			t.Errorf("%d columns: the gap is at most %v of %v", p, result.Gap, result.Objective)
		}
	}
}

func TestManyClasses(t *testing.T) {
	t.Parallel()
	const classes = 1000
	r := random(84)
	data := table{signature: newSignature(t, numeric(2)), classes: names("class", classes)}
	for i := range 2 * classes {
		label := i % classes
		data.samples.Labels = append(data.samples.Labels, label)
		data.samples.Rows = append(data.samples.Rows, float64(label%40)+r.NormFloat64()/4, float64(label/40)+r.NormFloat64()/4)
	}
	result := data.fit(t, softmax.FitOptions{Tolerance: 1e-7})
	if even := 2 * classes * math.Log(classes); !(result.Objective < 0.7*even) {
		t.Errorf("objective %v, that of no weights %v", result.Objective, even)
	}
}

// However large the fit, it hears of the end of its context soon: this one would take minutes.
func TestALargeFitIsCancelledSoon(t *testing.T) {
	t.Parallel()
	const n, p, classes = 10_000, 50, 10_000
	r := random(85)
	data := table{signature: newSignature(t, numeric(p)), classes: names("class", classes)}
	data.samples.Rows = normals(r, n*p, 1)
	for i := range n {
		data.samples.Labels = append(data.samples.Labels, i%classes)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() {
		_, err := softmax.Fit(ctx, data.signature, data.classes, data.samples, softmax.FitOptions{})
		ended <- err
	}()
	time.Sleep(200 * time.Millisecond)
	cancel()
	if err := <-ended; err != context.Canceled {
		t.Errorf("error %v, expected that it was cancelled", err)
	}
}

// endsAt is a context that ends when it is looked at for so many times.
type endsAt struct {
	context.Context
	looks *atomic.Int64
	end   int64
}

func (e endsAt) Err() error {
	if e.looks.Add(1) >= e.end {
		return context.Canceled
	}
	return nil
}

// Rows are checked and encoded under the eyes of the context too: before the solver is told of 100,000
// rows, it is looked at several times in each of the steps, and its end is the end of the fit.
func TestPreparingAFitStopsWithItsContext(t *testing.T) {
	t.Parallel()
	const n = 100_000
	labels := make([]int, n)
	for i := range labels {
		labels[i] = i % 3
	}
	many := []softmax.Feature{{Name: "word", Categories: names("word", 300)}}
	zeros := make([]int, n+1)
	for name, data := range map[string]table{
		"numbers":    {signature: newSignature(t, numeric(1)), samples: softmax.Samples{Rows: make([]float64, n), Labels: labels}},
		"categories": {signature: newSignature(t, many), samples: softmax.Samples{Rows: make([]float64, n), Labels: labels}},
		"sparse":     {signature: newSignature(t, numeric(100)), samples: softmax.Samples{Sparse: &softmax.Sparse{Start: zeros}, Labels: labels}},
	} {
		for end := int64(1); end <= 14; end++ {
			ctx := endsAt{t.Context(), new(atomic.Int64), end}
			_, err := softmax.Fit(ctx, data.signature, names("class", 3), data.samples, softmax.FitOptions{Workers: 1})
			if err != context.Canceled || ctx.looks.Load() > end+1 { // one more to say why
				t.Errorf("%s: %v after %d looks, expected that it was cancelled at look %d", name, err, ctx.looks.Load(), end)
			}
		}
	}
}

// The same bits for any number of workers, from arguments of every kind.
func TestWorkersOfAFit(t *testing.T) {
	t.Parallel()
	r := random(86)
	large := noisy(t, r, 9000, 30, 3, 2)
	_, sparse := thinned(t, r, 4000, 120, 3)
	categories := table{signature: newSignature(t, mixed()), classes: large.classes}
	for i := range 30000 {
		categories.samples.Rows = append(categories.samples.Rows, mixedRow(r)...)
		categories.samples.Labels = append(categories.samples.Labels, (i+r.IntN(2))%3)
	}
	for name, data := range map[string]*table{"rows": &large, "sparse": &sparse, "categories": &categories} {
		for _, options := range []softmax.FitOptions{{Workers: 1}, {Workers: 1, Float32: true}} {
			want := data.fit(t, options)
			for _, workers := range []int{2, 7} {
				options.Workers = workers
				got := data.fit(t, options)
				a, b := got.Model.Definition(), want.Model.Definition()
				if !slices.Equal(a.Weights, b.Weights) || !slices.Equal(a.Intercepts, b.Intercepts) ||
					!slices.Equal(a.Reference, b.Reference) || got.Objective != want.Objective || got.Gap != want.Gap {
					t.Errorf("%s: the fit of %d workers is another than that of one", name, workers)
				}
			}
		}
	}
}

func TestFloat32IsNearlyTheSame(t *testing.T) {
	t.Parallel()
	data := noisy(t, random(87), 3000, 60, 3, 2)
	got, want := data.fit(t, softmax.FitOptions{Float32: true}), data.fit(t, softmax.FitOptions{})
	if off := farthest(got.Model.Definition().Weights, want.Model.Definition().Weights); off > 1e-6 || off == 0 {
		t.Errorf("weights of float32 rows are off by %v", off)
	}
}
