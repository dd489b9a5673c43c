package sepal

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
)

// column returns the lengths 0 to 4, over and over, and NaN at every 7th place.
func column(n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = float64(i % 5)
		if i%7 == 6 {
			values[i] = math.NaN()
		}
	}
	return values
}

// rowsOf yields the rows in one buffer, as a reader of files would.
func rowsOf(values []float64, columns int) iter.Seq[[]float64] {
	return func(yield func([]float64) bool) {
		row := make([]float64, columns)
		for chunk := range slices.Chunk(values, columns) {
			if copy(row, chunk); !yield(row) {
				return
			}
		}
	}
}

func TestClassifyTable(t *testing.T) {
	t.Parallel()
	const n = 1003
	values := column(n)
	var want []int // classes; -1 is an error
	for _, v := range values {
		switch {
		case math.IsNaN(v):
			want = append(want, -1)
		case v >= 2:
			want = append(want, 1)
		default:
			want = append(want, 0)
		}
	}
	for name, table := range map[string]Table{
		"values":          {Columns: 1, Values: values, ChunkRows: 10},
		"rows":            {Columns: 1, Rows: rowsOf(values, 1), ChunkRows: 10},
		"one at a time":   {Columns: 1, Values: values, ChunkRows: 100, InFlight: 1},
		"many at a time":  {Columns: 1, Values: values, ChunkRows: 7, InFlight: 50},
		"one chunk":       {Columns: 1, Values: values},
		"chunks that fit": {Columns: 1, Rows: rowsOf(values, 1), ChunkRows: 17 * 59},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := dial(t, serve(t, (&fakeService{}).handler()).URL)
			var progress []int
			table.Progress = func(done, total int) {
				progress = append(progress, done)
				if (total == -1) != (table.Rows != nil) || total != -1 && total != n {
					t.Errorf("total %d", total)
				}
			}
			var got, ends []int
			for chunk, err := range client.ClassifyTable(t.Context(), table) {
				if err != nil {
					t.Fatal(err)
				}
				if chunk.FirstRow != len(got) || chunk.Response.GetVariant() != "stable" {
					t.Fatalf("a chunk from %d of variant %q, want from %d", chunk.FirstRow, chunk.Response.GetVariant(), len(got))
				}
				for _, class := range chunk.Response.GetMatrix().GetClassIndices() {
					got = append(got, int(class))
				}
				for _, e := range chunk.Response.GetMatrix().GetErrors() {
					got[chunk.FirstRow+int(e.GetRow())] = -1
				}
				ends = append(ends, len(got))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("classes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(ends, progress); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
		})
	}
}

// TestClassifyTableInFlight holds every answer back until as many requests are there as are
// allowed, and sees that there are never more.
func TestClassifyTableInFlight(t *testing.T) {
	t.Parallel()
	const inFlight, calls = 3, 1 + 4*3
	var there atomic.Int64
	release := make(chan struct{}, calls)
	service := &fakeService{fail: func(ctx context.Context, n int) error {
		if n == 1 {
			return nil // the first goes alone: its version is that of the table
		}
		if there.Add(1) == inFlight {
			there.Store(0)
			for range inFlight {
				release <- struct{}{}
			}
		}
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
	client := dial(t, serve(t, service.handler()).URL)
	chunks := 0
	table := Table{Columns: 1, Values: column(calls), ChunkRows: 1, InFlight: inFlight}
	for _, err := range client.ClassifyTable(t.Context(), table) {
		if err != nil {
			t.Fatal(err)
		}
		chunks++
		if started := int(service.calls.Load()); started > chunks+inFlight {
			t.Errorf("%d calls when %d chunks were yielded", started, chunks)
		}
	}
	if chunks != calls {
		t.Errorf("%d chunks, want %d", chunks, calls)
	}
}

func TestClassifyTableStopsAtFirstError(t *testing.T) {
	t.Parallel()
	fails := &fakeService{fail: func(_ context.Context, n int) error {
		if n >= 4 {
			return refusal(connect.CodeFailedPrecondition, "no more")
		}
		return nil
	}}
	shaky := &fakeService{fail: func(_ context.Context, n int) error {
		if n%2 == 1 {
			return refusal(connect.CodeUnavailable, "not now")
		}
		return nil
	}}
	ragged := func(yield func([]float64) bool) {
		for i := range 25 {
			if !yield(make([]float64, 1+i/24)) {
				return
			}
		}
	}
	retry := WithRetry(RetryPolicy{InitialBackoff: time.Microsecond})
	for name, test := range map[string]struct {
		service  *fakeService
		table    Table
		code     connect.Code // 0: none
		firstRow int
		text     string
	}{
		"a call":          {fails, Table{Columns: 1, Values: column(100), ChunkRows: 10, InFlight: 1}, connect.CodeFailedPrecondition, 30, "no more"},
		"tried again":     {shaky, Table{Columns: 1, Values: column(100), ChunkRows: 10, InFlight: 1}, 0, 0, ""},
		"a ragged row":    {&fakeService{}, Table{Columns: 1, Rows: ragged, ChunkRows: 10}, connect.CodeInvalidArgument, 20, "table.Rows[24] has 2 values, expected 1"},
		"nothing":         {&fakeService{}, Table{Columns: 1}, 0, 0, ""},
		"no columns":      {&fakeService{}, Table{Values: column(1)}, connect.CodeInvalidArgument, 0, "table.Columns is 0"},
		"half a row":      {&fakeService{}, Table{Columns: 2, Values: column(3)}, connect.CodeInvalidArgument, 0, "table.Values has 3, expected a multiple of 2"},
		"both":            {&fakeService{}, Table{Columns: 1, Values: column(3), Rows: ragged}, connect.CodeInvalidArgument, 0, "table.Rows is given"},
		"negative chunks": {&fakeService{}, Table{Columns: 1, ChunkRows: -1}, connect.CodeInvalidArgument, 0, "table.ChunkRows"},
		"negative flight": {&fakeService{}, Table{Columns: 1, InFlight: -1}, connect.CodeInvalidArgument, 0, "table.InFlight"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := dial(t, serve(t, test.service.handler()).URL, retry)
			rows := 0
			var last error
			for chunk, err := range client.ClassifyTable(t.Context(), test.table) {
				if last = err; err == nil {
					rows += len(chunk.Response.GetMatrix().GetClassIndices())
					continue
				}
				if chunk.FirstRow != test.firstRow || chunk.FirstRow != rows || chunk.Response != nil {
					t.Errorf("the error has the chunk %v, want row %d", chunk, test.firstRow)
				}
			}
			if test.code == 0 {
				if last != nil || rows != len(test.table.Values) {
					t.Errorf("%d rows, %v", rows, last)
				}
				return
			}
			if failure := asError(t, last); failure.Code != test.code || !strings.Contains(failure.Error(), test.text) {
				t.Errorf("%v, want %v %s", failure, test.code, test.text)
			}
		})
	}
}

// TestClassifyTableEnds breaks off and cancels while requests hang: they end with it.
func TestClassifyTableEnds(t *testing.T) {
	t.Parallel()
	hang := func(ctx context.Context, n int) error {
		if n == 1 {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}
	table := Table{Columns: 1, Values: column(100), ChunkRows: 10}
	t.Run("broken off", func(t *testing.T) {
		t.Parallel()
		client := dial(t, serve(t, (&fakeService{fail: hang}).handler()).URL)
		for _, err := range client.ClassifyTable(t.Context(), table) {
			if err != nil {
				t.Error(err)
			}
			break
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		client := dial(t, serve(t, (&fakeService{fail: hang}).handler()).URL)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var ends []string
		for chunk, err := range client.ClassifyTable(ctx, table) {
			cancel()
			ends = append(ends, fmt.Sprint(chunk.FirstRow, " ", connect.CodeOf(err) == connect.CodeCanceled && err != nil))
		}
		if diff := cmp.Diff([]string{"0 false", "10 true"}, ends); diff != "" {
			t.Errorf("chunks (-want +got):\n%s", diff)
		}
	})
}
