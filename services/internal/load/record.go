package load

import (
	"context"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
)

// shard keeps what some of the workers measure. A histogram per worker would take hundreds of
// megabytes for a thousand of them.
type shard struct {
	mu sync.Mutex
	totals
}

// totals are counts and times.
type totals struct {
	answered, rows, failedRows uint64
	sentBytes, receivedBytes   uint64
	latency, lag               Distribution
	failures                   map[kind]*Failure
	sources                    map[source]uint64 // how many requests each answered
	failed, abandoned          uint64
	warmup, warmupFailed       uint64
	last                       time.Time // when the last request that counts was done
}

// recorder keeps what is measured.
type recorder struct {
	start  time.Time // when measuring begins
	shards []*shard
}

func newRecorder(workers int, start time.Time) *recorder {
	r := &recorder{start: start, shards: make([]*shard, min(workers, 4*runtime.GOMAXPROCS(0)))}
	for i := range r.shards {
		r.shards[i] = &shard{totals: newTotals()}
	}
	return r
}

func newTotals() totals {
	return totals{latency: newDistribution(), lag: newDistribution(), failures: map[kind]*Failure{}, sources: map[source]uint64{}}
}

func (r *recorder) shard(worker int) *shard { return r.shards[worker%len(r.shards)] }

// add records what became of a request, and reports whether it failed as a whole. What fails
// since ctx has ended is only counted as abandoned.
func (s *shard) add(ctx context.Context, at slot, r *request, a *answer, err error) (failed bool) {
	done := time.Now()
	code, message := outcome(r, a, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case code != "" && ctx.Err() != nil && err != nil:
		s.abandoned++
		return true
	case !at.measured:
		s.warmup++
		if code != "" {
			s.warmupFailed++
		}
		return err != nil
	}
	s.last = done
	s.sentBytes += uint64(len(r.body))
	s.receivedBytes += uint64(a.bytes)
	s.lag.record(at.sent.Sub(at.due))
	if code != "" {
		s.fail(code, message)
		return err != nil
	}
	s.answered++
	s.sources[a.by]++
	s.rows += uint64(a.rows)
	s.failedRows += uint64(a.failed)
	if a.failed > 0 {
		s.note(a)
	}
	s.latency.record(done.Sub(at.due))
	return false
}

// outcome returns the code and text of a request that failed as a whole, or "". A row of a batch
// may fail alone; a message of a stream is its row.
func outcome(r *request, a *answer, err error) (code, message string) {
	switch {
	case err != nil:
		return coded(err)
	case a.rows+a.failed != r.rows:
		return connect.CodeInternal.String(), fmt.Sprintf("the answer has %d results for %d rows", a.rows+a.failed, r.rows)
	case r.rows == 1 && a.failed == 1:
		return known(a.code), a.message
	}
	return "", ""
}

// known returns the code, or that of an unknown error if there is no such code.
func known(code string) string {
	var c connect.Code
	if err := c.UnmarshalText([]byte(code)); err != nil {
		return connect.CodeUnknown.String()
	}
	return code
}

func (t *totals) fail(code, message string) {
	t.failure(code, message).Requests++
	t.failed++
}

// note counts rows that failed within a request that was answered.
func (t *totals) note(a *answer) {
	t.failure(known(a.code), a.message).Rows += uint64(a.failed)
}

// maxExample is how many bytes of the server's words are kept.
const maxExample = 500

func (t *totals) failure(code, message string) *Failure {
	of := kindOf(code, message)
	f := t.failures[of]
	if f == nil && len(t.failures) >= maxKinds {
		of.reason = ""
		f = t.failures[of]
	}
	if f == nil {
		if len(message) > maxExample {
			message = strings.ToValidUTF8(message[:maxExample], "") + "…"
		}
		f = &Failure{Code: code, Example: message}
		t.failures[of] = f
	}
	return f
}

// kind is what failures are counted by: their code and, of those that say that a caller may not, or
// not now, why.
type kind struct{ code, reason string }

const (
	maxKinds  = 32 // beyond, only codes are told apart
	maxReason = 120
)

// figures are numbers, with the letters after them: durations too.
var figures = regexp.MustCompile(`\d[\d.]*[a-z0-9]*`)

// kindOf returns the kind of a failure. A server says why in words, with figures that differ from one
// refusal to the next, such as when to come back.
func kindOf(code, message string) kind {
	switch code {
	case "resource_exhausted", "unauthenticated", "permission_denied":
	default:
		return kind{code: code}
	}
	return kind{code, figures.ReplaceAllString(message[:min(len(message), maxReason)], "#")}
}
