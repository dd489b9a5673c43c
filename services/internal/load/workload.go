package load

import (
	"bytes"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

// request is a message, encoded before the run so that sending it costs as little as it can.
type request struct {
	body []byte
	rows int
}

// encode returns the requests of a run: every row once, batches as many as hold every row.
func encode(o *Options) ([]request, error) {
	size := 1
	if o.Call == CallBatch || o.Call == CallBatchStream {
		size = o.BatchRows
	}
	requests := make([]request, 0, (len(o.Rows)+size-1)/size)
	for first := 0; first < len(o.Rows); first += size {
		message, err := o.message(first, size)
		if err != nil {
			return nil, err
		}
		body, err := o.encode(message)
		if err != nil {
			return nil, err
		}
		requests = append(requests, request{body: body, rows: size})
	}
	return requests, nil
}

func (o *Options) encode(m proto.Message) ([]byte, error) {
	if o.Protocol != ConnectJSON {
		return proto.Marshal(m)
	}
	data, err := protojson.Marshal(m)
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer // protojson has white space by chance
	err = json.Compact(&compact, data)
	return compact.Bytes(), err
}

// message returns the request of the rows from first on; after the last row comes the first.
func (o *Options) message(first, size int) (proto.Message, error) {
	row := o.Rows[first]
	predict := &predictionv1.PredictRequest{Features: row.GetFeatures(), Inputs: row.GetInputs(), Model: o.Model, Version: o.Version}
	switch o.Call {
	case CallBatch, CallBatchStream:
		return o.batch(first, size)
	case CallStream:
		return &predictionv1.PredictStreamRequest{Request: predict}, nil
	default:
		return predict, nil
	}
}

func (o *Options) batch(first, size int) (proto.Message, error) {
	batch := &predictionv1.BatchPredictRequest{Model: o.Model, Version: o.Version}
	for i := range size {
		batch.Rows = append(batch.Rows, o.Rows[(first+i)%len(o.Rows)])
	}
	if o.Matrix {
		m, err := matrix(batch.GetRows())
		if err != nil {
			return nil, err
		}
		batch.Rows, batch.Matrix = nil, m
	}
	if o.Call == CallBatchStream {
		return &predictionv1.BatchPredictStreamRequest{Batch: batch}, nil
	}
	return batch, nil
}

func matrix(rows []*predictionv1.Row) (*predictionv1.Matrix, error) {
	columns := len(rows[0].GetFeatures())
	m := &predictionv1.Matrix{Columns: uint32(columns), Values: make([]float64, 0, columns*len(rows))}
	for _, row := range rows {
		if row.GetInputs() != nil || len(row.GetFeatures()) != columns || columns == 0 {
			return nil, &OptionError{Option: "Rows", Problem: fmt.Sprintf(
				"has a row that is not %d numbers, expected only such rows for a matrix: it has no missing values", columns)}
		}
		m.Values = append(m.Values, row.GetFeatures()...)
	}
	return m, nil
}
