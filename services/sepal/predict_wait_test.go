package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"

	sepal "github.com/sepal-ml/sepal/clients/go"
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/internal/rpc"
)

const tooManyText = "too many requests: one caller may make 100/m, and each row of a batch counts; try again in 1m0s"

// refusals returns a call that is refused so often before it is answered.
func refusals(n int, after time.Duration, calls *int) func() error {
	return func() error {
		if *calls++; *calls > n {
			return nil
		}
		return &callError{text: "wrapped", err: &sepal.Error{Code: connect.CodeResourceExhausted, Message: tooManyText, RetryAfter: after}}
	}
}

func TestPatienceWaitsAsLongAsTheServerSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var stderr bytes.Buffer
		calls, start := 0, time.Now()
		err := newPatience(&process{stderr: &stderr}, nil).call(t.Context(), refusals(3, time.Minute, &calls))
		if took := time.Since(start); err != nil || calls != 4 || took < 3*time.Minute || took > 4*time.Minute {
			t.Errorf("%d calls in %v, %v; expected 4 in 3 minutes or little more", calls, took, err)
		}
		// One line a minute at most: the second wait begins later than that.
		for line := range strings.Lines(stderr.String()) {
			if !strings.HasPrefix(line, "sepal: too many requests: waiting 1m") {
				t.Errorf("said %s", line)
			}
		}
		if n := strings.Count(stderr.String(), "\n"); n != 3 {
			t.Errorf("%d lines, expected 3:\n%s", n, stderr.String())
		}
	})
}

// limited takes so many rows a minute, and no more in one request.
type limited struct {
	predictionv1connect.UnimplementedPredictionServiceHandler
	rows int
	free time.Time
}

func (l *limited) BatchPredict(_ context.Context, r *predictionv1.BatchPredictRequest) (*predictionv1.BatchPredictResponse, error) {
	if wait := time.Until(l.free); wait > 0 {
		return nil, rpc.Exhausted(wait, tooManyText)
	}
	if len(r.GetRows()) > l.rows {
		return nil, connect.NewError(connect.CodeResourceExhausted, errors.New("too large"))
	}
	l.free = time.Now().Add(time.Minute)
	response := &predictionv1.BatchPredictResponse{ModelVersion: "v1.0.0"}
	for range r.GetRows() {
		response.Results = append(response.Results, new(predictionv1.RowResult))
	}
	return response, nil
}

// Do answers without a network, so that calls run in fake time.
func (l *limited) Do(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	_, handler := predictionv1connect.NewPredictionServiceHandler(l)
	handler.ServeHTTP(recorder, r)
	return recorder.Result(), nil
}

func TestManyRowsOutlastALimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, err := sepal.Dial("in.memory:1", sepal.WithProtocol(sepal.Connect), sepal.WithHTTPClient(&limited{rows: 100}))
		if err != nil {
			t.Fatal(err)
		}
		b := &batches{
			client: client, request: new(predictionv1.BatchPredictRequest), server: "in.memory:1", most: chunkRows,
			patience: newPatience(&process{stderr: new(bytes.Buffer)}, nil),
		}
		rows := make([]*predictionv1.Row, 600)
		for i := range rows {
			rows[i] = new(predictionv1.Row)
		}
		start := time.Now()
		results, err := b.classify(t.Context(), rows)
		if took := time.Since(start); err != nil || len(results) != len(rows) || took < 6*time.Minute || took > 9*time.Minute {
			t.Errorf("%d results in %v, %v; expected 600 in 6 to 9 minutes", len(results), took, err)
		}
	})
}

func TestPatienceSaysNothingOfShortWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var stderr bytes.Buffer
		calls := 0
		if err := newPatience(&process{stderr: &stderr}, nil).call(t.Context(), refusals(50, 2*time.Second, &calls)); err != nil || stderr.Len() > 0 {
			t.Errorf("got %v, said %s", err, stderr.String())
		}
	})
}

func TestPatienceShowsAWaitOnATerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var stderr bytes.Buffer
		progress := &predictProgress{out: &stderr, now: time.Now, start: time.Now()}
		progress.rows = 3000
		calls := 0
		if err := newPatience(&process{stderr: &stderr, terminal: true}, progress).call(t.Context(), refusals(1, 3*time.Second, &calls)); err != nil {
			t.Fatal(err)
		}
		shown := stderr.String()
		if n := strings.Count(shown, eraseLine+"3,000 rows"); n < 3 || !strings.Contains(shown, "  too many requests, waiting 3s") || strings.Contains(shown, "\n") {
			t.Errorf("shown was %q", shown)
		}
	})
}

func TestPatienceEndsWithAnInterrupt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(90*time.Second, cancel)
		calls, start := 0, time.Now()
		err := newPatience(&process{stderr: new(bytes.Buffer)}, nil).call(ctx, refusals(1, time.Hour, &calls))
		if took := time.Since(start); !errors.Is(err, context.Canceled) || took != 90*time.Second || calls != 1 {
			t.Errorf("%d calls in %v, %v", calls, took, err)
		}
	})
}

func TestPatienceIsForNothingElse(t *testing.T) {
	t.Parallel()
	for _, failure := range []error{
		&sepal.Error{Code: connect.CodeResourceExhausted, Message: "too large"},
		&sepal.Error{Code: connect.CodePermissionDenied, RetryAfter: time.Second},
		&sepal.Error{Code: connect.CodeUnauthenticated},
		errors.New("another"),
	} {
		calls := 0
		err := newPatience(&process{stderr: new(bytes.Buffer)}, nil).call(t.Context(), func() error { calls++; return failure })
		if !errors.Is(err, failure) || calls != 1 {
			t.Errorf("%v: %d calls, %v", failure, calls, err)
		}
	}
}
