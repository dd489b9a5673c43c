package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/atomicfile"
	"github.com/sepal-ml/sepal/services/internal/load"
)

// benchCmd is the verb bench.
type benchCmd struct {
	Server string `short:"s" env:"SEPAL_SERVER" default:"localhost:50051" placeholder:"HOST:PORT" help:"Server to send to, also a URL; at a loopback address, unless --i-own-this-server (${default})."`
	targetFlags
	Model        string `env:"SEPAL_DEFAULT_MODEL" placeholder:"MODEL" help:"Model to ask for, the server's default one by default."`
	ModelVersion string `env:"MODEL_VERSION" placeholder:"VERSION" help:"Version to ask for; by default the one that the server chooses, request by request."`

	Protocol    string `env:"SEPAL_BENCH_PROTOCOL" default:"grpc" enum:"grpc,grpcweb,connect,json" help:"Protocol: ${enum}; json is Connect with JSON."`
	HTTP        string `name:"http" env:"SEPAL_BENCH_HTTP" default:"auto" enum:"auto,1,2" help:"Version of HTTP: ${enum}; auto is 2 for --protocol grpc and for --call stream, which need it, and 1 for all else, batch-stream too."`
	Call        string `env:"SEPAL_BENCH_CALL" default:"predict" enum:"predict,batch,batch-stream,stream" help:"Call to make: ${enum}; of a stream, each message is a request."`
	Connections *int   `env:"SEPAL_BENCH_CONNECTIONS" placeholder:"N" help:"Most connections to make; 1 by default with HTTP/2, as many as requests in flight with HTTP/1.1."`

	Concurrency *int          `short:"c" env:"SEPAL_BENCH_CONCURRENCY" placeholder:"N" help:"Closed loop: requests, or streams, to keep going, each sending when it was answered; 16 by default."`
	Rate        *float64      `short:"r" env:"SEPAL_BENCH_RATE" placeholder:"N" help:"Open loop: requests to send per second, answered or not; their latency counts from when they were due."`
	Arrivals    string        `env:"SEPAL_BENCH_ARRIVALS" default:"constant" enum:"constant,poisson" help:"With --rate, gaps between requests: ${enum}."`
	InFlight    *int          `env:"SEPAL_BENCH_IN_FLIGHT" placeholder:"N" help:"With --rate, most requests in flight, 1000 by default; else messages of each stream in flight, 1 by default."`
	Timeout     time.Duration `env:"SEPAL_BENCH_TIMEOUT" default:"10s" help:"How long to wait for an answer."`

	Duration *time.Duration `short:"d" env:"SEPAL_BENCH_DURATION" placeholder:"TIME" help:"How long to send; 10s by default."`
	Count    *uint64        `short:"n" env:"SEPAL_BENCH_COUNT" placeholder:"N" help:"How many requests to send, in place of how long."`
	Warmup   time.Duration  `env:"SEPAL_BENCH_WARMUP" default:"1s" help:"How long to send before anything counts."`

	BatchRows int    `env:"SEPAL_BENCH_BATCH_ROWS" default:"100" help:"Rows of a batch."`
	Matrix    bool   `env:"SEPAL_BENCH_MATRIX" help:"Send batches in matrix form."`
	CSV       string `name:"csv" env:"SEPAL_BENCH_CSV" placeholder:"FILE" help:"Rows to send, again and again: a CSV file with a header; by default rows made up to fit the signature."`
	Seed      uint64 `env:"SEPAL_BENCH_SEED" default:"1" help:"Seed of the rows made up and of Poisson arrivals."`

	JSON string `name:"json" env:"SEPAL_BENCH_JSON" placeholder:"FILE" help:"Write the results as JSON too; - is standard output, in place of the table."`
	Plot string `env:"SEPAL_BENCH_PLOT" placeholder:"FILE.SVG" help:"Draw the latency by percentile, as SVG."`

	MaxP99         time.Duration `name:"max-p99" env:"SEPAL_BENCH_MAX_P99" placeholder:"TIME" help:"Objective: answer 99 % of the requests within this time."`
	MaxErrors      uint64        `env:"SEPAL_BENCH_MAX_ERRORS" default:"0" help:"Objective: most requests, or rows of a batch, that may fail or, with --rate, not be sent."`
	IOwnThisServer bool          `name:"i-own-this-server" env:"SEPAL_BENCH_I_OWN_THIS_SERVER" help:"Send to an address that is not loopback, such as another machine's."`

	options load.Options
}

// Help returns what the help of the verb says beside its flags.
func (benchCmd) Help() string {
	return `Examples:
  sepal bench
  sepal bench --protocol json --concurrency 64 --duration 30s
  sepal bench --rate 5000 --arrivals poisson --max-p99 20ms
  sepal bench --call batch --matrix --batch-rows 1000 --csv flowers.csv
  sepal bench --call stream --concurrency 4 --in-flight 32 --count 100000
  sepal bench --json - --plot latency.svg > results.json

Only an open loop (--rate) shows what a stall does to those who come meanwhile: a closed loop
waits with the server. Ctrl-C ends a run early and shows what was measured.

The exit code is 1 when an objective is missed: without --max-errors, when anything fails.`
}

// AfterApply settles what was left open, and refuses what makes no sense. A flag wins over the
// environment, so only flags contradict flags.
func (c *benchCmd) AfterApply(parsed *kong.Context) error {
	if err := exclusive(parsed, "concurrency", &c.Concurrency, "rate", &c.Rate); err != nil {
		return err
	}
	if err := exclusive(parsed, "duration", &c.Duration, "count", &c.Count); err != nil {
		return err
	}
	for _, f := range []struct {
		flag string
		zero bool
	}{
		{"concurrency", zero(c.Concurrency)}, {"rate", zero(c.Rate)}, {"in-flight", zero(c.InFlight)},
		{"connections", zero(c.Connections)}, {"duration", zero(c.Duration)}, {"count", zero(c.Count)},
	} {
		if f.zero {
			return fmt.Errorf("--%s is 0, expected more", f.flag)
		}
	}
	switch {
	case c.InFlight != nil && c.Rate == nil && c.Call != string(load.CallStream):
		return errors.New("--in-flight is for --rate and --call stream: a closed loop has as many in flight as its --concurrency")
	case c.Timeout <= 0:
		return fmt.Errorf("--timeout is %v, expected more than 0s", c.Timeout)
	case c.BatchRows < 1:
		return fmt.Errorf("--batch-rows is %d, expected 1 or more", c.BatchRows)
	case c.MaxP99 < 0:
		return fmt.Errorf("--max-p99 is %v, expected more than 0s", c.MaxP99)
	case c.Plot != "" && !strings.EqualFold(filepath.Ext(c.Plot), ".svg"):
		return fmt.Errorf("--plot is %q, expected a name that ends in .svg: it is drawn as SVG", c.Plot)
	}
	c.options = load.Options{
		Protocol: load.Protocol(c.Protocol), HTTP: map[string]int{"1": 1, "2": 2}[c.HTTP], Call: load.Call(c.Call),
		Concurrency: valueOr0(c.Concurrency), Rate: valueOr0(c.Rate), Arrivals: load.Arrivals(c.Arrivals),
		InFlight: valueOr0(c.InFlight), Connections: valueOr0(c.Connections), Timeout: c.Timeout,
		Duration: valueOr0(c.Duration), Count: valueOr0(c.Count), Warmup: c.Warmup,
		BatchRows: c.BatchRows, Matrix: c.Matrix, Model: c.Model, Version: c.ModelVersion, Seed: c.Seed,
	}
	var err error
	if c.Server, err = c.settle(parsed, c.Server); err != nil {
		return err
	}
	return inBenchFlags(c.options.Check())
}

// exclusive lets one of two flags hold: that of the command line, where the other is a variable.
func exclusive[A, B any](parsed *kong.Context, nameA string, a **A, nameB string, b **B) error {
	if *a == nil || *b == nil {
		return nil
	}
	switch flagA, flagB := given(parsed, nameA), given(parsed, nameB); {
	case flagA == flagB:
		return fmt.Errorf("expected --%s or --%s, not both", nameA, nameB)
	case flagA:
		*b = nil
	default:
		*a = nil
	}
	return nil
}

func zero[T comparable](v *T) bool {
	var none T
	return v != nil && *v == none
}

func valueOr0[T any](v *T) T {
	if v == nil {
		var none T
		return none
	}
	return *v
}

// inBenchFlags says what is wrong with an option in the words of the command line.
func inBenchFlags(err error) error {
	var wrong *load.OptionError
	if !errors.As(err, &wrong) {
		return err
	}
	flags := map[string]string{
		"HTTP": "http", "Concurrency": "concurrency", "Rate": "rate", "InFlight": "in-flight", "Connections": "connections",
		"Duration": "duration", "Warmup": "warmup", "Timeout": "timeout", "BatchRows": "batch-rows", "Matrix": "matrix", "Rows": "csv",
	}
	return fmt.Errorf("--%s %s", flags[wrong.Option], wrong.Problem)
}

// Run sends requests, reports what was measured and fails when an objective is missed.
func (c *benchCmd) Run(p *process) error {
	for _, path := range []string{c.JSON, c.Plot} {
		if path == "" || path == "-" {
			continue
		}
		if err := atomicfile.Check(path); err != nil {
			return err
		}
	}
	target, err := c.target(p.ctx)
	if err != nil {
		return err
	}
	version, err := c.version(p.ctx)
	if err != nil {
		return err
	}
	o := c.options
	o.Target, o.Token = target, c.token()
	if o.TLS, err = c.tlsConfig(c.Server); err != nil {
		return err
	}
	if o.Rows, err = c.rows(p, version); err != nil {
		return err
	}
	o = o.Settled()
	progress := newBenchProgress(p, o)
	if progress != nil {
		o.Progress, o.ProgressEvery = progress.show, redrawEvery*2
	}
	b := &bench{begun: time.Now(), options: o, version: version, build: readBuild(), csv: c.CSV}
	b.result, err = load.Run(p.ctx, o)
	progress.clear()
	if err != nil {
		return inBenchFlags(err)
	}
	b.objectives = c.objectives(b.result)
	return c.report(p, b)
}

// target finds the server, and refuses one that is not at a loopback address.
func (c *benchCmd) target(ctx context.Context) (*load.Target, error) {
	target, err := load.Resolve(ctx, c.Server, c.IOwnThisServer, nil)
	var foreign *load.ForeignError
	var unknown *net.DNSError
	switch {
	case err == nil:
		return target, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &unknown):
		return nil, fmt.Errorf("server %s cannot be reached: %w", c.Server, err)
	case errors.As(err, &foreign):
		err = fmt.Errorf("%w; if it is yours, say so with --i-own-this-server", err)
	}
	return nil, &usageError{verb: "bench", err: err}
}

// version asks which version a request of the kind to come would be answered by, and so what it
// takes.
func (c *benchCmd) version(ctx context.Context) (*registryv1.ModelVersion, error) {
	client, err := c.dial(ctx, "bench", c.Server)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	response, err := client.GetVersion(ctx, c.Model, c.ModelVersion)
	if err != nil {
		return nil, callFailed(c.Server, err)
	}
	return response.GetVersion(), nil
}
