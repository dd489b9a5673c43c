package main

import (
	"time"

	"github.com/sepal-ml/sepal/services/bench/internal/lookalike"
	"github.com/sepal-ml/sepal/services/softmax"
)

// batch is how fast the probabilities of many rows are found.
type batch struct {
	Set string `json:"set"`
	// Ours and Theirs are rows per second; Theirs is 0 where scikit-learn is not there.
	Ours   float64 `json:"ours"`
	Theirs float64 `json:"theirs,omitempty"`
	Ratio  float64 `json:"ratio,omitempty"`
	Want   float64 `json:"want"`
}

// batchRows is how many rows a set is repeated to where it has fewer.
const batchRows = 50_000

// measureBatch predicts the rows of the set ten times, and keeps the best, as timeit does.
func measureBatch(data *lookalike.Set, model *softmax.Model, s set) (batch, error) {
	rows := repeated(data)
	n := len(rows) / data.Columns
	probabilities, classes := make([]float64, n*data.Classes), make([]int, n)
	var best float64
	for range 10 {
		began := time.Now()
		if err := model.PredictBatch(probabilities, classes, rows); err != nil {
			return batch{}, err
		}
		best = max(best, float64(n)/time.Since(began).Seconds())
	}
	return batch{Set: s.name, Ours: best, Want: s.predict}, nil
}

func repeated(data *lookalike.Set) []float64 {
	rows := data.Rows
	for len(rows)/data.Columns < batchRows {
		rows = append(rows, data.Rows...)
	}
	return rows
}

func (b *batch) compare(found *found) {
	b.Theirs = found.RowsPerSecond
	if b.Theirs > 0 {
		b.Ratio = b.Ours / b.Theirs
	}
}
