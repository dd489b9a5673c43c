package main

import (
	"runtime"
	"time"

	"github.com/sepal-ml/sepal/services/internal/load"
)

// benchDocument is the JSON of a run. Times are in milliseconds unless the name says otherwise.
type benchDocument struct {
	Time        time.Time      `json:"time"` // when the run began
	Sepal       build          `json:"sepal"`
	Machine     benchMachine   `json:"machine"`
	Settings    benchSettings  `json:"settings"`
	Interrupted bool           `json:"interrupted"`
	ElapsedMS   float64        `json:"elapsed_ms"`
	Connections int            `json:"connections"`
	Requests    benchRequests  `json:"requests"`
	AnsweredBy  []benchSource  `json:"answered_by"` // the most frequent first
	Rows        benchRows      `json:"rows"`
	Bytes       benchBytes     `json:"bytes"`
	Warmup      benchWarmup    `json:"warmup"`
	Errors      []benchFailure `json:"errors"`
	LatencyMS   benchTimes     `json:"latency_ms"`
	SendLagMS   *benchTimes    `json:"send_lag_ms,omitempty"` // of an open loop
	Objectives  []objective    `json:"objectives"`
}

// benchMachine is the one that sent.
type benchMachine struct {
	OS    string `json:"os"`
	Arch  string `json:"arch"`
	Cores int    `json:"cores"`
	Procs int    `json:"procs"` // how many of the cores this program uses
}

type benchSettings struct {
	Server       string  `json:"server"`
	Model        string  `json:"model"`
	ModelVersion string  `json:"model_version,omitempty"` // the one that answered; absent where several did
	ModelDigest  string  `json:"model_digest,omitempty"`  // of that, where it was read before the run
	Protocol     string  `json:"protocol"`
	HTTP         int     `json:"http"`
	Call         string  `json:"call"`
	Loop         string  `json:"loop"` // "closed" or "open"
	Concurrency  int     `json:"concurrency,omitempty"`
	Rate         float64 `json:"rate,omitempty"`
	Arrivals     string  `json:"arrivals,omitempty"`
	InFlight     int     `json:"in_flight,omitempty"`
	Connections  int     `json:"connections"`
	DurationMS   float64 `json:"duration_ms,omitempty"`
	Count        uint64  `json:"count,omitempty"`
	WarmupMS     float64 `json:"warmup_ms"`
	TimeoutMS    float64 `json:"timeout_ms"`
	BatchRows    int     `json:"batch_rows,omitempty"`
	Matrix       bool    `json:"matrix,omitempty"`
	CSV          string  `json:"csv,omitempty"`
	Seed         uint64  `json:"seed"`
}

type benchRequests struct {
	Answered  uint64  `json:"answered"`
	Failed    uint64  `json:"failed"`
	Unsent    uint64  `json:"unsent"`
	Abandoned uint64  `json:"abandoned"`
	PerSecond float64 `json:"per_second"` // answered or failed
}

// benchSource is how many requests a version answered, as a variant of the rollout.
type benchSource struct {
	ModelVersion string `json:"model_version"`
	Variant      string `json:"variant"`
	Requests     uint64 `json:"requests"`
}

type benchRows struct {
	Classified uint64  `json:"classified"`
	Refused    uint64  `json:"refused"`
	PerSecond  float64 `json:"per_second"` // classified
}

type benchBytes struct {
	Sent     uint64 `json:"sent"`
	Received uint64 `json:"received"`
}

type benchWarmup struct {
	Requests uint64 `json:"requests"`
	Failed   uint64 `json:"failed"`
}

type benchFailure struct {
	Code     string `json:"code"`
	Requests uint64 `json:"requests"`
	Rows     uint64 `json:"rows"`
	Example  string `json:"example"`
}

type benchTimes struct {
	Count       uint64            `json:"count"`
	Min         float64           `json:"min"`
	Mean        float64           `json:"mean"`
	Max         float64           `json:"max"`
	Percentiles []benchPercentile `json:"percentiles"`
}

type benchPercentile struct {
	Percentile float64 `json:"percentile"`
	Value      float64 `json:"value"`
}

func (b *bench) document() benchDocument {
	r := b.result
	d := benchDocument{
		Time: b.begun.UTC(), Sepal: b.build,
		Machine:     benchMachine{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU(), Procs: runtime.GOMAXPROCS(0)},
		Settings:    b.settings(),
		Interrupted: r.Interrupted, ElapsedMS: milliseconds(r.Elapsed), Connections: r.Connections,
		Requests: benchRequests{
			Answered: r.Answered, Failed: r.Failed, Unsent: r.Unsent, Abandoned: r.Abandoned, PerSecond: r.PerSecond(r.Requests()),
		},
		Rows:       benchRows{Classified: r.Rows, Refused: r.FailedRows, PerSecond: r.PerSecond(r.Rows)},
		Bytes:      benchBytes{Sent: r.SentBytes, Received: r.ReceivedBytes},
		Warmup:     benchWarmup{Requests: r.Warmup, Failed: r.WarmupFailed},
		AnsweredBy: []benchSource{},
		Errors:     []benchFailure{},
		LatencyMS:  timesOf(&r.Latency),
		Objectives: b.objectives,
	}
	for _, by := range r.By {
		d.AnsweredBy = append(d.AnsweredBy, benchSource{ModelVersion: by.Version, Variant: by.Variant, Requests: by.Requests})
	}
	for _, f := range r.Failures {
		d.Errors = append(d.Errors, benchFailure(f))
	}
	if b.options.Rate > 0 {
		lag := timesOf(&r.Lag)
		d.SendLagMS = &lag
	}
	return d
}

func (b *bench) settings() benchSettings {
	o := b.options
	s := benchSettings{
		Server: o.Target.Address(), Model: b.version.GetModel(),
		Protocol: string(o.Protocol), HTTP: o.HTTP, Call: string(o.Call), Loop: "closed", Concurrency: o.Concurrency,
		Rate: o.Rate, InFlight: o.InFlight, Connections: o.Connections,
		DurationMS: milliseconds(o.Duration), Count: o.Count, WarmupMS: milliseconds(o.Warmup), TimeoutMS: milliseconds(o.Timeout),
		Matrix: o.Matrix, CSV: b.csv, Seed: o.Seed,
	}
	if versions := b.versions(); len(versions) == 1 {
		s.ModelVersion = versions[0]
		if s.ModelVersion == b.version.GetVersion() {
			s.ModelDigest = b.version.GetDigest()
		}
	}
	if o.Rate > 0 {
		s.Loop, s.Arrivals = "open", string(o.Arrivals)
	}
	if b.batches() {
		s.BatchRows = o.BatchRows
	}
	return s
}

func timesOf(d *load.Distribution) benchTimes {
	t := benchTimes{Count: d.Count(), Min: milliseconds(d.Min()), Mean: milliseconds(d.Mean()), Max: milliseconds(d.Max())}
	for _, p := range []float64{1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 99.999} {
		t.Percentiles = append(t.Percentiles, benchPercentile{Percentile: p, Value: milliseconds(d.Quantile(p / 100))})
	}
	return t
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
