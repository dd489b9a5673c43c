package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"google.golang.org/protobuf/types/known/structpb"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/load"
)

// How many different rows are made up: enough that no cache has all answers, in no less than so
// many batches.
const (
	madeUpRows    = 1024
	madeUpBatches = 4
)

// rows returns the rows to send.
func (c *benchCmd) rows(p *process, version *registryv1.ModelVersion) ([]*predictionv1.Row, error) {
	if c.CSV != "" {
		return c.csvRows(p, version.GetSignature())
	}
	n := madeUpRows
	if c.options.Call == load.CallBatch || c.options.Call == load.CallBatchStream {
		n = max(n, madeUpBatches*c.BatchRows)
	}
	return load.RandomRows(version.GetSignature(), n, c.Seed), nil
}

// csvRows reads the rows of the file, all of which must be rows of the model.
func (c *benchCmd) csvRows(p *process, signature *modelv1.Signature) ([]*predictionv1.Row, error) {
	in, path := p.stdin, "standard input"
	if c.CSV != "-" {
		file, err := os.Open(c.CSV)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }() // it was only read
		in, path = file, c.CSV
	}
	csv, err := newCSVRows(interruptible(p.ctx, in), path, signature)
	if err != nil {
		return nil, err
	}
	var rows []*predictionv1.Row
	for {
		chunk, readErr := csv.next(chunkRows)
		for _, r := range chunk {
			if r.row == nil {
				return nil, fmt.Errorf("%s:%d: %s", path, r.line, r.result.GetError().GetMessage())
			}
			row := inNumbers(signature, r.row)
			if c.Matrix && row.GetFeatures() == nil {
				return nil, fmt.Errorf("%s:%d: expected a number or a known category for each feature: a matrix has no missing values", path, r.line)
			}
			rows = append(rows, row)
		}
		switch {
		case errors.Is(readErr, io.EOF) && len(rows) == 0:
			return nil, fmt.Errorf("%s has no rows", path)
		case errors.Is(readErr, io.EOF):
			return rows, nil
		case readErr != nil:
			return nil, readErr
		}
	}
}

// inNumbers returns the row as numbers, which cost server and client less, or as it is where it
// cannot be said so: a value is missing, or one that the server is to refuse.
func inNumbers(signature *modelv1.Signature, row *predictionv1.Row) *predictionv1.Row {
	values := row.GetInputs().GetFields()
	features := make([]float64, 0, len(values))
	for _, f := range signature.GetFeatures() {
		v := math.NaN()
		if categories := f.GetCategorical().GetCategories(); len(categories) > 0 {
			if at := slices.Index(categories, values[f.GetName()].GetStringValue()); at >= 0 {
				v = float64(at)
			}
		} else if number, ok := values[f.GetName()].GetKind().(*structpb.Value_NumberValue); ok {
			v = number.NumberValue
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return row
		}
		features = append(features, v)
	}
	return &predictionv1.Row{Features: features}
}
