package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/alecthomas/kong"

	"github.com/sepal-ml/sepal/services/internal/identity"
	"github.com/sepal-ml/sepal/services/server"
	"github.com/sepal-ml/sepal/services/trainer"
)

// cli is the whole command line: every flag, its environment variable and its help.
type cli struct {
	Serve   serveCmd   `cmd:"" help:"Serve models: gRPC, gRPC-Web, JSON and a web page on one port."`
	Train   trainCmd   `cmd:"" help:"Train a model from a table or a database."`
	Import  importCmd  `cmd:"" help:"Import a model from ONNX or scikit-learn."`
	Predict predictCmd `cmd:"" help:"Classify rows, with a local model or by a server."`
	Bench   benchCmd   `cmd:"" help:"Send requests to a server and measure how it answers."`
	Drift   driftCmd   `cmd:"" help:"Say whether rows still look like those of training."`
	Models  modelsCmd  `cmd:"" help:"Look at a registry of models, and change what answers."`
	Inspect inspectCmd `cmd:"" help:"Show what is in a model file."`
	Token   tokenCmd   `cmd:"" help:"Make the tokens that a server knows its callers by."`
	Health  healthCmd  `cmd:"" help:"Say whether a server is ready to answer."`
	Version versionCmd `cmd:"" help:"Show the version of this program."`
	Help    helpCmd    `cmd:"" help:"Show help for a verb."`
}

const description = `Trains, serves and looks into softmax (multinomial logistic) classifiers.

Examples:
  sepal serve                              serve the built-in iris model on port 50051
  sepal train flowers.csv --label species  train a model, write model.binpb
  MODEL_PATH=model.binpb sepal serve       serve it
  sepal predict 5.1 3.5 1.4 0.2            classify one row
  sepal inspect model.binpb                show what a model file holds
  sepal models rollback --registry models  take the last change of versions back
  sepal drift --server localhost:50051     say whether its rows look like those of training
  sepal bench --rate 1000                  measure how the server answers

Every flag has an environment variable, named in the help of its verb. A flag wins over it; an
empty variable is as none.`

// run parses the arguments, runs the verb until it is done or ctx ends, and returns the exit
// code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var c cli
	parser, err := newParser(&c, stdout, stderr)
	if err != nil {
		return conclude(ctx, err, stderr)
	}
	if err := unsetEmpty(parser); err != nil {
		return conclude(ctx, err, stderr)
	}
	command, err := parse(parser, prepare(args))
	if err == nil && command != nil {
		err = c.runVerb(command, &process{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr, terminal: isTerminal(stderr)})
	}
	return conclude(ctx, err, stderr)
}

func newParser(c *cli, stdout, stderr io.Writer) (*kong.Kong, error) {
	o, training := server.DefaultOptions(), trainer.DefaultOptions()
	return kong.New(c,
		kong.Name("sepal"),
		kong.Description(description),
		kong.Writers(stdout, stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.WithHyphenPrefixedParameters(true), // --csv - is standard input
		kong.Vars{
			"host":              o.Host,
			"port":              fmt.Sprint(o.Port),
			"log_sample":        fmt.Sprint(o.LogSampleRate),
			"poll_interval":     o.PollInterval.String(),
			"request_timeout":   o.RequestTimeout.String(),
			"drain_delay":       o.DrainDelay.String(),
			"stop_timeout":      o.StopTimeout.String(),
			"max_message_bytes": fmt.Sprint(o.MaxMessageBytes),
			"max_batch_rows":    fmt.Sprint(o.MaxBatchRows),
			"tls_min_version":   o.TLSMinVersion,
			"http2":             o.HTTP2,
			"max_streams":       fmt.Sprint(o.MaxStreams),
			"max_queue_time":    o.MaxQueueTime.String(),
			"max_connections":   fmt.Sprint(o.MaxConnections),
			"jwt_leeway":        identity.DefaultLeeway.String(),
			"token_issuer":      developmentIssuer,
			"token_audience":    developmentAudience,

			"train_version":        training.Version,
			"train_c":              fmt.Sprint(training.C),
			"train_hold_out":       fmt.Sprint(training.HoldOut),
			"train_folds":          fmt.Sprint(training.Folds),
			"train_seed":           fmt.Sprint(training.Seed),
			"train_max_iterations": fmt.Sprint(training.MaxIterations),
			"train_tolerance":      fmt.Sprint(training.Tolerance),
		},
	)
}

// unsetEmpty takes empty variables out of the environment, so that one that a compose file
// passes on without a value leaves the default, as for a HOST that says which addresses listen.
func unsetEmpty(parser *kong.Kong) error {
	return kong.Visit(parser.Model.Node, func(node kong.Visitable, next kong.Next) error {
		var names []string
		switch node := node.(type) {
		case *kong.Flag:
			names = node.Tag.Envs
		case *kong.Positional:
			names = node.Tag.Envs
		}
		for _, name := range names {
			if value, set := os.LookupEnv(name); set && value == "" {
				if err := os.Unsetenv(name); err != nil {
					return err
				}
			}
		}
		return next(nil)
	})
}

// prepare turns what people type into what the parser understands.
func prepare(args []string) []string {
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	case args[0] == "--version":
		return append([]string{"version"}, args[1:]...)
	case args[0] == "predict":
		return append([]string{"predict"}, protectNegative(args[1:])...)
	case args[0] == "models" && slices.Contains(args, "rollback"):
		return append([]string{"models"}, protectNegative(args[1:])...)
	}
	return args
}

// protectNegative puts a space before negative numbers, which the parser would take for flags;
// the verb trims its values.
func protectNegative(args []string) []string {
	protected := make([]string, len(args))
	for i, arg := range args {
		protected[i] = arg
		if len(arg) > 1 && arg[0] == '-' && (arg[1] == '.' || arg[1] >= '0' && arg[1] <= '9') {
			protected[i] = " " + arg
		}
	}
	return protected
}

// given reports whether the flag stands on the command line, be there a variable or not.
func given(parsed *kong.Context, flag string) bool {
	for _, path := range parsed.Path {
		if path.Flag != nil && path.Flag.Name == flag {
			return true
		}
	}
	return false
}

// helpCmd is the verb help, which prepare turns into the flag.
type helpCmd struct {
	Verb string `arg:"" optional:"" help:"The verb to explain."`
}
