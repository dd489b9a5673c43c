package softmax

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

// PredictBatch is Predict for n rows: rows is row-major n × Signature().Len(), probabilities
// row-major n × NumClasses(), classes has n values. The results are those of Predict, bit for
// bit. Many rows are shared out among GOMAXPROCS goroutines, which have ended when it returns;
// few are not, and then it does not allocate.
//
// The error is that of the first row that cannot be classified; its Row says which. The slices
// then hold nothing of use. It panics if a length is wrong.
func (m *Model) PredictBatch(probabilities []float64, classes []int, rows []float64) error {
	p, k, n := m.signature.Len(), len(m.classes), len(classes)
	if len(rows) != n*p || len(probabilities) != n*k {
		panic("softmax: PredictBatch: length mismatch")
	}
	b := batch{m: m, probabilities: probabilities, classes: classes, rows: rows, size: blockRows(p + k)}
	workers := min(runtime.GOMAXPROCS(0), b.blocks(), n*(p*k+rowCost)/workerCost)
	if workers <= 1 {
		for i := range b.blocks() {
			if err := b.predict(i); err != nil {
				return err
			}
		}
		return nil
	}
	return b.share(workers)
}

const (
	// blockValues is how many values of rows and logits are worked on at once: they stay in the
	// cache of a core from one step to the next.
	blockValues = 16 << 10
	// rowCost is what a row costs beside its products, and workerCost what is worth a goroutine,
	// both in multiplications.
	rowCost, workerCost = 64, 1 << 17
)

// blockRows returns how many rows of that many values, logits included, make a block.
func blockRows(values int) int { return max(16, min(512, blockValues/values)) }

// batch is a call of PredictBatch.
type batch struct {
	m             *Model
	probabilities []float64
	classes       []int
	rows          []float64
	size          int // rows in a block, but for the last
}

func (b *batch) blocks() int { return (len(b.classes) + b.size - 1) / b.size }

// share classifies the blocks on that many goroutines, of which this is one.
func (b batch) share(workers int) error {
	var next, failed atomic.Int64
	failed.Store(int64(b.blocks()))
	errs := make([]error, b.blocks())
	work := func() {
		// Blocks are taken in order, so all before the first that fails are finished.
		for i := next.Add(1) - 1; i < failed.Load(); i = next.Add(1) - 1 {
			if errs[i] = b.predict(int(i)); errs[i] != nil {
				failed.Store(min(i, failed.Load()))
			}
		}
	}
	var group sync.WaitGroup
	for range workers - 1 {
		group.Go(work)
	}
	work()
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// predict classifies the rows of block i.
func (b *batch) predict(i int) error {
	p, k, from := b.m.signature.Len(), len(b.m.classes), i*b.size
	to := min(from+b.size, len(b.classes))
	rows, z, classes := b.rows[from*p:to*p], b.probabilities[from*k:to*k], b.classes[from:to]
	if !b.fit(rows) {
		return b.predictEach(from, to)
	}
	b.m.logits(z, rows)
	if !allFinite(z) { // as it is with a number that is not
		return b.predictEach(from, to)
	}
	if b.m.link == LinkOneVsRest {
		for r := range classes {
			classes[r] = oneVsRest(z[r*k : r*k+k])
		}
		return nil
	}
	kernel.Classify(z, k, len(classes), k, classes)
	return nil
}

// fit reports whether all rows fit the signature. Where it has numbers only, it need not look: since
// weights are finite, a number that is not leaves no logit of its row finite.
func (b *batch) fit(rows []float64) bool {
	if b.m.signature.numeric {
		return true
	}
	for p := b.m.signature.Len(); len(rows) > 0; rows = rows[p:] {
		if b.m.signature.Check(rows[:p], 0) != nil {
			return false
		}
	}
	return true
}

// predictEach classifies rows one by one: it finds the first that cannot be.
func (b *batch) predictEach(from, to int) error {
	p, k := b.m.signature.Len(), len(b.m.classes)
	for i := from; i < to; i++ {
		class, err := b.m.predict(b.probabilities[i*k:i*k+k], b.rows[i*p:i*p+p], i)
		if err != nil {
			return err
		}
		b.classes[i] = class
	}
	return nil
}
