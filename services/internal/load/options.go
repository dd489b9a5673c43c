package load

import (
	"context"
	"crypto/tls"
	"fmt"
	"math"
	"time"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

// Protocol is how the messages of a call travel.
type Protocol string

// The protocols.
const (
	GRPC        Protocol = "grpc"    // gRPC, over HTTP/2
	GRPCWeb     Protocol = "grpcweb" // gRPC-Web
	Connect     Protocol = "connect" // Connect with binary messages
	ConnectJSON Protocol = "json"    // Connect with JSON
)

// Call is which call of the PredictionService is made.
type Call string

// The calls.
const (
	CallPredict     Call = "predict"      // Predict, a row a request
	CallBatch       Call = "batch"        // BatchPredict
	CallBatchStream Call = "batch-stream" // BatchPredictStream, a request being done with its last chunk
	CallStream      Call = "stream"       // PredictStream, each message being a request of a row
)

// Arrivals is how the requests of an open loop are spread over time.
type Arrivals string

// The arrivals.
const (
	Constant Arrivals = "constant" // all gaps are the same
	Poisson  Arrivals = "poisson"  // gaps by chance, as of many clients that do not know each other
)

// Limits and defaults of options.
const (
	DefaultConcurrency = 16
	DefaultInFlight    = 1000 // of an open loop
	DefaultTimeout     = 10 * time.Second
	DefaultBatchRows   = 100
	DefaultDuration    = 10 * time.Second

	maxRate    = 1e6
	maxWorkers = 100_000
)

// Options say what to send, where and how.
type Options struct {
	// Target is the server.
	Target *Target
	// TLS says how a server at an https:// target is known, and what certificate is shown to it. It
	// is copied. nil: by the system's authorities, and none.
	TLS *tls.Config
	// Token returns the token that a request carries; any number of goroutines call it. nil: none.
	Token func(ctx context.Context) (string, error)
	// Protocol is how messages travel. Empty: GRPC.
	Protocol Protocol
	// HTTP is the version of HTTP: 1 or 2. 0: 2 for GRPC and CallStream, which need it, else 1.
	HTTP int
	// Call is which call is made. Empty: CallPredict.
	Call Call

	// Concurrency is how many requests a closed loop keeps in flight, or how many streams it
	// keeps busy. 0: DefaultConcurrency. Without a meaning for an open loop.
	Concurrency int
	// Rate makes it an open loop, of so many requests a second. 0: a closed loop.
	Rate float64
	// Arrivals is how those are spread. Empty: Constant.
	Arrivals Arrivals
	// InFlight is, of a closed loop of streams, how many messages each has in flight (0: 1); of
	// an open loop, how many requests may be in flight in all (0: DefaultInFlight).
	InFlight int
	// Connections is how many connections there are at most. 0: one with HTTP/2, as many as
	// requests in flight with HTTP/1.1. An open loop of streams has one stream for each.
	Connections int

	// Duration is for how long to send, after the warm-up. 0: no limit, where there is a Count;
	// else DefaultDuration.
	Duration time.Duration
	// Count is how many requests to send, after the warm-up. 0: no limit.
	Count uint64
	// Warmup is for how long to send before anything counts.
	Warmup time.Duration
	// Timeout is how long to wait for an answer; a stream may be silent for as long with a message
	// in flight. 0: DefaultTimeout.
	Timeout time.Duration

	// Rows are the rows to send, again and again. At least one.
	Rows []*predictionv1.Row
	// BatchRows is how many rows a batch has. 0: DefaultBatchRows.
	BatchRows int
	// Matrix sends batches in matrix form. All rows must then have features.
	Matrix bool
	// Model and Version are what the requests ask for; either may be empty.
	Model, Version string
	// Seed is that of the arrivals.
	Seed uint64

	// Progress, unless nil, is called every so often while the run goes on, by one goroutine.
	Progress func(Progress)
	// ProgressEvery is how often. 0: twice a second.
	ProgressEvery time.Duration
}

// OptionError is an option that makes no sense, alone or with another.
type OptionError struct {
	// Option is the name of the field of [Options].
	Option string
	// Problem is what is wrong with it, for people.
	Problem string
}

func (e *OptionError) Error() string { return fmt.Sprintf("load: %s %s", e.Option, e.Problem) }

// Check returns what is wrong with the options, as an [*OptionError], or nil. Run makes the same
// check; target and rows may be missing here.
func (o Options) Check() error {
	refuse := func(option, format string, args ...any) error {
		return &OptionError{Option: option, Problem: fmt.Sprintf(format, args...)}
	}
	switch {
	case o.HTTP != 0 && o.HTTP != 1 && o.HTTP != 2:
		return refuse("HTTP", "is %d, expected 1 or 2", o.HTTP)
	case o.HTTP == 1 && o.Protocol == GRPC:
		return refuse("HTTP", "is 1, expected 2 for gRPC")
	case o.HTTP == 1 && o.Call == CallStream:
		return refuse("HTTP", "is 1, expected 2 for a stream in both directions")
	case o.Concurrency < 0 || o.Concurrency > maxWorkers:
		return refuse("Concurrency", "is %d, expected 1 to %d", o.Concurrency, maxWorkers)
	case o.Rate < 0 || o.Rate > maxRate || math.IsNaN(o.Rate):
		return refuse("Rate", "is %v, expected more than 0 and at most %.0f requests a second", o.Rate, maxRate)
	case o.InFlight < 0 || o.InFlight > maxWorkers:
		return refuse("InFlight", "is %d, expected 1 to %d", o.InFlight, maxWorkers)
	case o.InFlight != 0 && o.Rate == 0 && o.Call != CallStream:
		return refuse("InFlight", "is set, expected it only with a rate or for streams: a closed loop has as many in flight as its concurrency")
	case o.Connections < 0 || o.Connections > maxWorkers:
		return refuse("Connections", "is %d, expected 1 to %d", o.Connections, maxWorkers)
	case o.Duration < 0:
		return refuse("Duration", "is %v, expected more than 0s", o.Duration)
	case o.Warmup < 0:
		return refuse("Warmup", "is %v, expected 0s or more", o.Warmup)
	case o.Timeout < 0:
		return refuse("Timeout", "is %v, expected more than 0s", o.Timeout)
	case o.BatchRows < 0:
		return refuse("BatchRows", "is %d, expected 1 or more", o.BatchRows)
	case o.Matrix && o.Call != CallBatch && o.Call != CallBatchStream:
		return refuse("Matrix", "is for batches, expected one of the calls %s and %s", CallBatch, CallBatchStream)
	}
	return o.checkChoices()
}

func (o Options) checkChoices() error {
	switch o.Protocol {
	case "", GRPC, GRPCWeb, Connect, ConnectJSON:
	default:
		return &OptionError{Option: "Protocol", Problem: fmt.Sprintf("is %q, expected one of %s, %s, %s and %s", o.Protocol, GRPC, GRPCWeb, Connect, ConnectJSON)}
	}
	switch o.Call {
	case "", CallPredict, CallBatch, CallBatchStream, CallStream:
	default:
		return &OptionError{Option: "Call", Problem: fmt.Sprintf("is %q, expected one of %s, %s, %s and %s", o.Call, CallPredict, CallBatch, CallBatchStream, CallStream)}
	}
	switch o.Arrivals {
	case "", Constant, Poisson:
	default:
		return &OptionError{Option: "Arrivals", Problem: fmt.Sprintf("is %q, expected %s or %s", o.Arrivals, Constant, Poisson)}
	}
	return nil
}

// settle checks the options and replaces what is left open by what it means.
func (o *Options) settle() error {
	*o = o.Settled()
	switch {
	case o.Target == nil:
		return &OptionError{Option: "Target", Problem: "is missing"}
	case len(o.Rows) == 0:
		return &OptionError{Option: "Rows", Problem: "is empty, expected at least one row"}
	}
	return o.Check()
}

// Settled returns the options with what is left open replaced by what it means.
func (o Options) Settled() Options {
	o.Protocol = or(o.Protocol, GRPC)
	o.Call = or(o.Call, CallPredict)
	o.Arrivals = or(o.Arrivals, Constant)
	o.Timeout = or(o.Timeout, DefaultTimeout)
	o.BatchRows = or(o.BatchRows, DefaultBatchRows)
	o.ProgressEvery = or(o.ProgressEvery, 500*time.Millisecond)
	if o.Duration == 0 && o.Count == 0 {
		o.Duration = DefaultDuration
	}
	if o.HTTP == 0 {
		o.HTTP = 1
		if o.Protocol == GRPC || o.Call == CallStream {
			o.HTTP = 2
		}
	}
	if o.Rate > 0 {
		o.Concurrency = 0
		o.InFlight = or(o.InFlight, DefaultInFlight)
	} else {
		o.Concurrency = or(o.Concurrency, DefaultConcurrency)
		if o.Call == CallStream {
			o.InFlight = or(o.InFlight, 1)
		}
	}
	if o.Connections == 0 {
		o.Connections = 1
		if o.HTTP == 1 {
			o.Connections = max(o.Concurrency, o.InFlight)
		}
	}
	return o
}

// workers returns how many goroutines send: one for each request in flight, or for each stream.
func (o Options) workers() int {
	switch {
	case o.Rate == 0:
		return o.Concurrency
	case o.Call == CallStream:
		return o.Connections
	default:
		return o.InFlight
	}
}

// streamInFlight returns how many messages each stream may have in flight.
func (o Options) streamInFlight() int {
	if o.Rate == 0 {
		return o.InFlight
	}
	return max(1, o.InFlight/o.Connections)
}

// or returns v, or what it means where it is zero.
func or[T comparable](v, zero T) T {
	var none T
	if v == none {
		return zero
	}
	return v
}
