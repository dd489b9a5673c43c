package load

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Result is what a run measured, after its warm-up.
type Result struct {
	// Answered is how many requests were answered, and Failed how many were not: they were
	// refused, broke off or timed out. Messages of a stream are requests.
	Answered, Failed uint64
	// By says which versions gave the answers, the most frequent first.
	By []Source
	// Unsent is how many requests of an open loop were due and not sent, since as many as may be
	// were in flight.
	Unsent uint64
	// Abandoned is how many requests were in flight when the run was interrupted. They count
	// nowhere else.
	Abandoned uint64
	// Rows is how many rows were classified, FailedRows how many were refused within batches
	// that were answered.
	Rows, FailedRows uint64
	// Failures are Failed and FailedRows by code, the most frequent first; of refusals of callers
	// (resource_exhausted, unauthenticated, permission_denied), by why too.
	Failures []Failure
	// Warmup is how many requests were done in the warm-up, and WarmupFailed how many of them
	// failed.
	Warmup, WarmupFailed uint64
	// SentBytes and ReceivedBytes are the sizes of the messages, without what carried them.
	SentBytes, ReceivedBytes uint64
	// Elapsed is the time from the end of the warm-up to the last answer, and no less than the
	// duration asked for, unless the run was cut short.
	Elapsed time.Duration
	// Latency is that of the requests answered: to the end of the answer from when the request was
	// sent, or, in an open loop, from when it was due.
	Latency Distribution
	// Lag is how long after they were due requests were sent, answered or not; always 0 in a
	// closed loop.
	Lag Distribution
	// Connections is how many connections were made.
	Connections int
	// Interrupted is whether the run was cut short.
	Interrupted bool
}

// Source is how often a version answered.
type Source struct {
	// Version is the version, and Variant what the rollout calls it: "stable", the name of a
	// variant, or empty where the requests asked for the version. Either is empty where the server
	// does not say.
	Version, Variant string
	// Requests is how many requests it answered.
	Requests uint64
}

// Failure is how often something failed with a code, and for one reason.
type Failure struct {
	// Code is the name of the code, such as "unavailable".
	Code string
	// Requests is how many requests failed so, Rows how many rows of batches that were answered.
	Requests, Rows uint64
	// Example is what the server said about one of them.
	Example string
}

// Progress is how far a run is.
type Progress struct {
	// Warming is whether nothing counts yet.
	Warming bool
	// Elapsed is the time since the beginning, or since the end of the warm-up once that is over.
	Elapsed time.Duration
	// Answered and Failed are as in Result.
	Answered, Failed uint64
	// P50 and P99 are quantiles of the latency so far.
	P50, P99 time.Duration
}

// Requests returns how many requests were sent and came to an end.
func (r *Result) Requests() uint64 { return r.Answered + r.Failed }

// Errors returns how many requests and rows failed or were not sent.
func (r *Result) Errors() uint64 { return r.Failed + r.FailedRows + r.Unsent }

// PerSecond returns the rate of n in the time that was measured, or 0 if none was.
func (r *Result) PerSecond(n uint64) float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(n) / r.Elapsed.Seconds()
}

// Within returns the time within which a share q of all requests that were due was answered; those
// that failed or were not sent count as never answered. It returns false if the share was not.
func (r *Result) Within(q float64) (time.Duration, bool) {
	due := r.Requests() + r.Unsent
	rank := max(uint64(math.Ceil(q*float64(due)-1e-6)), 1)
	if rank > r.Answered {
		return 0, false
	}
	return r.Latency.ranked(rank), true
}

// sum returns the totals of all shards. It may be called while workers add to them.
func (r *recorder) sum() totals {
	all := newTotals()
	for _, s := range r.shards {
		s.mu.Lock()
		all.add(&s.totals)
		s.mu.Unlock()
	}
	return all
}

func (t *totals) add(from *totals) {
	t.answered += from.answered
	t.rows += from.rows
	t.failedRows += from.failedRows
	t.sentBytes += from.sentBytes
	t.receivedBytes += from.receivedBytes
	t.failed += from.failed
	t.abandoned += from.abandoned
	t.warmup += from.warmup
	t.warmupFailed += from.warmupFailed
	t.latency.merge(&from.latency)
	t.lag.merge(&from.lag)
	if from.last.After(t.last) {
		t.last = from.last
	}
	for by, n := range from.sources {
		t.sources[by] += n
	}
	for of, f := range from.failures {
		sum := t.failures[of]
		if sum == nil {
			sum = &Failure{Code: of.code, Example: f.Example}
			t.failures[of] = sum
		}
		sum.Requests += f.Requests
		sum.Rows += f.Rows
	}
}

func (r *recorder) result() *Result {
	t := r.sum()
	result := &Result{
		Answered: t.answered, Failed: t.failed, Abandoned: t.abandoned,
		Rows: t.rows, FailedRows: t.failedRows,
		Warmup: t.warmup, WarmupFailed: t.warmupFailed,
		SentBytes: t.sentBytes, ReceivedBytes: t.receivedBytes,
		Elapsed: max(t.last.Sub(r.start), 0),
		Latency: t.latency, Lag: t.lag,
	}
	for by, n := range t.sources {
		version, variant := by.names()
		result.By = append(result.By, Source{Version: version, Variant: variant, Requests: n})
	}
	slices.SortFunc(result.By, func(a, b Source) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Variant, b.Variant))
	})
	for _, f := range t.failures {
		result.Failures = append(result.Failures, *f)
	}
	slices.SortFunc(result.Failures, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(b.Requests+b.Rows, a.Requests+a.Rows), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Example, b.Example))
	})
	return result
}

func (r *recorder) progress() Progress {
	t := r.sum()
	return Progress{Answered: t.answered, Failed: t.failed, P50: t.latency.Quantile(0.5), P99: t.latency.Quantile(0.99)}
}
