package sepal

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"connectrpc.com/connect"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

const (
	defaultInFlight  = 4
	maxDefaultRows   = 10_000
	defaultChunkSize = 128 << 10 // values: 1 MiB
)

// A Table is many rows to classify, too many for one request. Exactly one of Values and Rows is
// given.
type Table struct {
	// Columns is the number of features of the model: the length of a row. At least 1.
	Columns int
	// Values are the rows, row by row, each in the order of the model's signature; a category
	// as its zero-based position. They must not change until the last chunk is there.
	Values []float64
	// Rows are the rows one by one, for a table that is read as it goes. Each is copied before
	// the next is asked for.
	Rows iter.Seq[[]float64]

	// Model, Version and SubjectID are as in a request. One version answers the whole table:
	// where Version does not name it, the one that answers the first chunk.
	Model, Version, SubjectID string
	// Probabilities asks for the probabilities of all classes. Default: false.
	Probabilities bool

	// ChunkRows is how many rows a request has, but for the last. 0: as many as 1 MiB holds, at
	// most 10000. The server bounds them too (1000000 rows and 4 MiB unless set otherwise).
	ChunkRows int
	// InFlight is how many requests are on their way, or answered and not yet yielded, at most:
	// what is held in memory beside Values. 0: 4.
	InFlight int
	// Progress is called before each chunk is yielded, by the goroutine that ranges over the
	// chunks, with the number of rows answered, those of the chunk included, and that of all;
	// of Rows, that is -1. nil: not called.
	Progress func(done, total int)
}

// A TableChunk is the answer for some rows of a [Table] that follow each other.
type TableChunk struct {
	// FirstRow is the zero-based position in the table of the chunk's first row.
	FirstRow int
	// Response is the answer, with its results in Matrix: one entry per row of the chunk. A row
	// that could not be classified is in its errors, where rows and paths count from FirstRow.
	// Variant is that of the first chunk.
	Response *predictionv1.BatchPredictResponse
}

// ClassifyTable classifies the rows of a table and yields the answers in chunks, in order. It
// makes as many BatchPredict calls as it takes, several at once; each is bounded in time and
// tried again as any call is.
//
// It stops at the first call that fails: the last pair is then the error, an [*Error], with a
// chunk that has no Response and whose FirstRow is the first row that was not answered. Breaking
// off cancels what is on its way.
func (c *Client) ClassifyTable(ctx context.Context, table Table) iter.Seq2[TableChunk, error] {
	return func(yield func(TableChunk, error) bool) {
		if err := table.check(); err != nil {
			yield(TableChunk{}, err)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		run := &tableRun{client: c, table: table, limit: 1}
		defer run.calls.Wait()
		defer cancel()
		next, stop := iter.Pull2(table.chunks())
		defer stop()
		run.each(ctx, next, yield)
	}
}

// tableRun is a table on its way.
type tableRun struct {
	client  *Client
	table   Table
	calls   sync.WaitGroup
	queue   []*tableCall // oldest first
	limit   int          // of the queue: 1 until settled
	settled bool         // whether the version is known
	started int          // rows
	variant string
}

// tableCall is the request for one chunk; the rest is set once done is closed.
type tableCall struct {
	first, rows int
	done        chan struct{}
	response    *predictionv1.BatchPredictResponse
	err         error
}

func (r *tableRun) each(ctx context.Context, next func() ([]float64, error, bool), yield func(TableChunk, error) bool) {
	var readErr error
	for more := true; ; {
		for more && len(r.queue) < r.limit {
			var values []float64
			if values, readErr, more = next(); readErr != nil {
				more = false
			} else if more {
				r.start(ctx, values)
			}
		}
		if len(r.queue) == 0 {
			break
		}
		call := r.queue[0]
		r.queue = r.queue[1:]
		<-call.done
		if call.err != nil {
			yield(TableChunk{FirstRow: call.first}, call.err)
			return
		}
		r.settle(call.response)
		if r.table.Progress != nil {
			r.table.Progress(call.first+call.rows, r.table.total())
		}
		if !yield(TableChunk{FirstRow: call.first, Response: call.response}, nil) {
			return
		}
	}
	if readErr != nil {
		yield(TableChunk{FirstRow: r.started}, readErr)
	}
}

// settle makes the version of the first answer that of the table.
func (r *tableRun) settle(response *predictionv1.BatchPredictResponse) {
	if !r.settled {
		r.settled = true
		r.table.Model, r.table.Version = response.GetModel(), response.GetModelVersion()
		r.variant = response.GetVariant()
	}
	response.Variant = r.variant
	r.limit = r.table.inFlight()
}

func (r *tableRun) start(ctx context.Context, values []float64) {
	call := &tableCall{first: r.started, rows: len(values) / r.table.Columns, done: make(chan struct{})}
	r.started += call.rows
	r.queue = append(r.queue, call)
	request := &predictionv1.BatchPredictRequest{
		Matrix:        &predictionv1.Matrix{Columns: uint32(r.table.Columns), Values: values},
		Model:         r.table.Model,
		Version:       r.table.Version,
		SubjectId:     r.table.SubjectID,
		Probabilities: r.table.Probabilities,
	}
	r.calls.Go(func() {
		defer close(call.done)
		call.response, call.err = r.client.BatchPredict(ctx, request)
		if got := len(call.response.GetMatrix().GetClassIndices()); call.err == nil && got != call.rows {
			call.err = newError(ctx, connect.NewError(connect.CodeInternal,
				fmt.Errorf("the server answered %d rows of a matrix of %d", got, call.rows)), 1, nil)
		}
	})
}

func (t *Table) check() error {
	switch {
	case t.Columns < 1 || int64(t.Columns) > 1<<32-1:
		return badTable("Columns", "is %d, expected at least 1, one per feature", t.Columns)
	case t.Values != nil && t.Rows != nil:
		return badTable("Rows", "is given and Values too, expected one of them")
	case len(t.Values)%t.Columns != 0:
		return badTable("Values", "has %d, expected a multiple of %d", len(t.Values), t.Columns)
	case t.ChunkRows < 0:
		return badTable("ChunkRows", "is %d, expected at least 1, or 0 for the default", t.ChunkRows)
	case t.InFlight < 0:
		return badTable("InFlight", "is %d, expected at least 1, or 0 for the default", t.InFlight)
	}
	return nil
}

func badTable(field, format string, args ...any) error {
	violation := FieldViolation{"table." + field, fmt.Sprintf(format, args...)}
	err := connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("%s", violation))
	return &Error{Code: err.Code(), Message: err.Message(), Violations: []FieldViolation{violation}, err: err}
}

func (t *Table) chunkRows() int {
	if t.ChunkRows > 0 {
		return t.ChunkRows
	}
	return min(max(defaultChunkSize/t.Columns, 1), maxDefaultRows)
}

func (t *Table) inFlight() int {
	if t.InFlight > 0 {
		return t.InFlight
	}
	return defaultInFlight
}

func (t *Table) total() int {
	if t.Rows != nil {
		return -1
	}
	return len(t.Values) / t.Columns
}

// chunks yields the values of each request, or the error that ends them.
func (t *Table) chunks() iter.Seq2[[]float64, error] {
	size := t.chunkRows() * t.Columns
	if t.Rows != nil {
		return t.collected(size)
	}
	return func(yield func([]float64, error) bool) {
		for from := 0; from < len(t.Values); from += size {
			if !yield(t.Values[from:min(from+size, len(t.Values))], nil) {
				return
			}
		}
	}
}

func (t *Table) collected(size int) iter.Seq2[[]float64, error] {
	return func(yield func([]float64, error) bool) {
		var chunk []float64
		row := 0
		for values := range t.Rows {
			if len(values) != t.Columns {
				yield(nil, badTable(fmt.Sprintf("Rows[%d]", row), "has %d values, expected %d", len(values), t.Columns))
				return
			}
			row++
			if chunk = append(chunk, values...); len(chunk) == size {
				if !yield(chunk, nil) {
					return
				}
				chunk = nil
			}
		}
		if len(chunk) > 0 {
			yield(chunk, nil)
		}
	}
}
