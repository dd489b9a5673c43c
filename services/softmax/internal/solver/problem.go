package solver

import (
	"context"
	"math"
	"runtime"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

// Config says what to fit.
type Config struct {
	// Rows or Sparse are the rows: exactly one is set.
	Rows   Rows
	Sparse *Sparse
	// Labels are below Classes, one per row.
	Labels  []int
	Classes int
	// Weights are one per row, ClassWeights one per class; nil is 1. Each class has a row of
	// weight.
	Weights, ClassWeights []float64
	Intercept             bool
	// C is the inverse strength of the penalty, +Inf for none, and L1Ratio its share by
	// magnitudes.
	C, L1Ratio float64
	// Standardise names the columns whose weights are penalised times their deviation; nil: none.
	Standardise []bool
	// Float32 keeps a rounded copy of the rows.
	Float32 bool
	// Workers is at least 0; 0: GOMAXPROCS.
	Workers int
}

// Problem is what a method minimises; see the package. It is for one goroutine, and starts others
// itself.
type Problem struct {
	rows   Rows
	sparse *Sparse
	narrow []float32 // in place of rows: centred and scaled

	count     int
	features  int  // encoded columns
	intercept bool // there is one: the last of the columns of variables
	columns   int
	width     int  // columns of the rows as the passes read them: features, or columns
	bias      bool // the passes add the intercept, which has no column of ones
	classes   int
	free      int // classes that have variables
	ld        int // from a row of logits, or a column's weights, to the next

	labels                []int32
	weights, classWeights []float64
	total                 float64   // sum of the rows' weights
	prior                 []float64 // the share of each class in it

	// Units, per column of variables: a variable times scale is a weight, after shift was taken
	// from the values. Columns that tell nothing have scale 0.
	shift, scale []float64
	mean         []float64 // of each encoded column, by weight
	penalty      []float64 // of half the square of a variable
	l1           []float64 // of the magnitude of a variable; nil: none
	strength     float64   // of half the square of a weight times standard
	standard     []float64
	reach        []float64 // how far values are from shift

	inPlace bool       // the passes read the rows as they are, in units of the model
	ready   bool       // the rows are centred and scaled already
	copied  *[]float64 // what they were copied to then; nil: they were not

	workers int
	plan    plan
	crew    []*worker
	sums    []sum
	grams   []float64
	matrix  []float64
	passes  float64

	keep      bool      // evaluations leave the curvature for Product and Hessian
	curvature []float64 // see curves
	recompute bool      // the curvature is not kept, but the point
	point     linear
	flat      linear // the weights and intercepts that a pass is about

	// Of sparse rows only.
	chunks     []chunk
	between    []float64 // what became of the logits of all rows
	columnSums []float64
}

// linear is weights, column by column, and intercepts, of as many classes as a row of logits has
// places.
type linear struct{ weights, bias []float64 }

// New prepares a problem. Its error is the context's.
func New(ctx context.Context, c Config) (*Problem, error) {
	p := &Problem{
		rows: c.Rows, sparse: c.Sparse,
		intercept: c.Intercept, bias: c.Intercept,
		classes: c.Classes, free: c.Classes,
		weights: c.Weights, classWeights: c.ClassWeights,
		workers: c.Workers, count: len(c.Labels), inPlace: true,
	}
	if p.workers == 0 {
		p.workers = runtime.GOMAXPROCS(0)
	}
	if p.sparse != nil && p.sparse.dense(c.Classes) {
		p.rows, p.sparse = unpacked{p.sparse}, nil
	}
	if p.sparse != nil {
		p.features = p.sparse.Width
	} else {
		p.features = p.rows.Width()
	}
	p.columns, p.width = p.features, p.features
	if p.intercept {
		p.columns++
	}
	if p.classes == 2 {
		p.free = 1
	}
	p.arrange()
	p.weigh(c.Labels)
	s, err := p.measure(ctx, c.Standardise != nil)
	if err != nil {
		return nil, err
	}
	p.choose(s, c)
	p.crew = nil
	return p, p.prepare(ctx, c.Float32)
}

// arrange lays out blocks and buffers.
func (p *Problem) arrange() {
	p.ld = p.free
	if p.free > 1 {
		p.ld = kernel.Pad(p.free)
	}
	if p.sparse != nil {
		p.plan = newPlan(p.count, len(p.sparse.Values)/p.count, p.ld, p.ld)
	} else {
		p.plan = newPlan(p.count, p.width, p.ld, p.width*p.ld)
	}
	p.recompute = p.count*p.ld > max(keptValues, p.values()/8)
	p.flat.weights = make([]float64, p.width*p.ld)
	p.flat.bias = make([]float64, p.ld)
}

// keptValues is how many probabilities may be kept at any rate.
const keptValues = 2 << 20

// values is the number of values of the rows.
func (p *Problem) values() int {
	if p.sparse != nil {
		return len(p.sparse.Values)
	}
	return p.count * p.width
}

// weigh takes the labels, and sums the weights by class.
func (p *Problem) weigh(labels []int) {
	p.labels = make([]int32, len(labels))
	p.prior = make([]float64, p.classes)
	for i, label := range labels {
		p.labels[i] = int32(label)
		p.prior[label] += p.weight(i)
	}
	for _, weight := range p.prior {
		p.total += weight
	}
	for k := range p.prior {
		p.prior[k] /= p.total
	}
}

func (p *Problem) weight(i int) float64 {
	w := 1.0
	if p.weights != nil {
		w = p.weights[i]
	}
	if p.classWeights != nil {
		w *= p.classWeights[p.labels[i]]
	}
	return w
}

// weighted reports whether rows may differ in weight.
func (p *Problem) weighted() bool { return p.weights != nil || p.classWeights != nil }

// shares returns the weights of some rows as shares of the total, in the worker's memory.
func (p *Problem) shares(w *worker, from, to int) []float64 {
	shares := w.shares[:to-from]
	if p.weighted() {
		for i := range shares {
			shares[i] = p.weight(from+i) / p.total
		}
	}
	return shares
}

// Size is the number of variables.
func (p *Problem) Size() int { return p.columns * p.free }

// Mean is that of each encoded column, by weight.
func (p *Problem) Mean() []float64 { return p.mean }

// valueAtZero is the objective where all variables are 0.
func (p *Problem) valueAtZero() float64 { return math.Log(float64(p.classes)) }

// centreClasses moves the variables of each column so that they sum to 0 over the classes, which
// changes no probability and lowers the penalty.
func (p *Problem) centreClasses(x []float64) {
	if p.free == 1 {
		return
	}
	for at := 0; at < len(x); at += p.free {
		centre(x[at : at+p.free])
	}
}

func centre(values []float64) {
	var mean float64
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for i := range values {
		values[i] -= mean
	}
}
