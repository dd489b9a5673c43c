package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"connectrpc.com/connect"

	sepal "github.com/sepal-ml/sepal/clients/go"
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

// chunkRows is how many rows a request carries at first: enough to make its cost small, few
// enough that results come soon.
const chunkRows = 1000

// batches classifies many rows.
type batches struct {
	client  *sepal.Client
	request *predictionv1.BatchPredictRequest // what holds for all rows; has none itself
	server  string
	most    int // rows of a request; fewer once the server has refused so many
	// by is the version that answered first, and so answers all: a rollout that changes meanwhile
	// does not divide the rows. Empty: nothing was answered yet.
	by string
	// progress is nil where nobody would see it.
	progress *predictProgress
	patience *patience
}

// stream classifies the rows chunk by chunk and writes the results of each before it reads on.
// open returns what writes the results of the version that answered, or would.
func (b *batches) stream(ctx context.Context, rows *csvRows, open func(by string) (resultWriter, error)) error {
	var out resultWriter
	total, failed, last := 0, 0, 0
	for {
		chunk, readErr := rows.next(chunkRows)
		err := b.fill(ctx, chunk)
		if err == nil && out == nil {
			out, err = open(b.by)
		}
		if err == nil {
			err = writeAll(out, chunk)
		}
		if err != nil {
			return endsAfter(last, err)
		}
		for _, r := range chunk {
			last = r.line
			total++
			if r.result.GetError() != nil {
				failed++
			}
		}
		b.progress.show(total, failed)
		switch {
		case errors.Is(readErr, io.EOF) && failed > 0:
			return fmt.Errorf("%d of %d rows could not be classified; the output says why", failed, total)
		case errors.Is(readErr, io.EOF):
			return nil
		case readErr != nil:
			return endsAfter(last, readErr)
		}
	}
}

// endsAfter adds to an error how much of the input the output tells of.
func endsAfter(line int, err error) error {
	if line == 0 {
		return err
	}
	return fmt.Errorf("%w; the output ends with line %d", err, line)
}

func writeAll(out resultWriter, chunk []csvRow) error {
	for _, r := range chunk {
		if err := out.write(r.line, r.result); err != nil {
			return err
		}
	}
	return out.flush()
}

// fill asks for the results that the chunk lacks.
func (b *batches) fill(ctx context.Context, chunk []csvRow) error {
	var rows []*predictionv1.Row
	for _, r := range chunk {
		if r.result == nil {
			rows = append(rows, r.row)
		}
	}
	results, err := b.classify(ctx, rows)
	if err != nil {
		return callFailed(b.server, err)
	}
	for i := range chunk {
		if chunk[i].result == nil {
			unplace(results[0].GetError())
			chunk[i].result, results = results[0], results[1:]
		}
	}
	return nil
}

// classify returns one result per row, in as many requests as the server's limits ask for.
func (b *batches) classify(ctx context.Context, rows []*predictionv1.Row) ([]*predictionv1.RowResult, error) {
	results := make([]*predictionv1.RowResult, 0, len(rows))
	for len(rows) > 0 {
		n := min(b.most, len(rows))
		b.request.Rows = rows[:n]
		var response *predictionv1.BatchPredictResponse
		err := b.patience.call(ctx, func() (err error) {
			response, err = b.client.BatchPredict(ctx, b.request)
			return err
		})
		switch {
		case n > 1 && tooMany(err):
			b.most = n / 2
			continue
		case err != nil:
			return nil, err
		case len(response.GetResults()) != n:
			return nil, fmt.Errorf("the server gave %d results for %d rows", len(response.GetResults()), n)
		case b.by == "":
			b.by = response.GetModelVersion()
		case b.by != response.GetModelVersion() && b.request.GetVersion() == "":
			b.request.Version = b.by
			continue
		}
		results = append(results, response.GetResults()...)
		rows = rows[n:]
	}
	return results, nil
}

// tooMany reports whether fewer rows in one request may do: the message, or its answer, is
// larger than the server takes, or the rows are more.
func tooMany(err error) bool {
	var e *sepal.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case connect.CodeResourceExhausted:
		return e.RetryAfter == 0
	case connect.CodeInvalidArgument:
		return len(e.Violations) == 1 && e.Violations[0].Field == "rows" ||
			strings.HasSuffix(e.Message, "send fewer rows at once") // it was not even read
	default:
		return false
	}
}
