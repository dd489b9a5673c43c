// Command train measures what fitting costs, and what predicting many rows does: Sepal's engine,
// and scikit-learn in the same run where a Python has it. Both minimise the same objective on the
// same bits; what counts is the time until it is within a millionth of its minimum.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sepal-ml/sepal/services/bench/internal/report"
)

type command struct {
	Only   []string      `placeholder:"SET" help:"Sets to measure: ${sets}. All by default."`
	Rounds int           `default:"3" help:"How often each set is fitted; small ones ten times as often."`
	Python string        `env:"SEPAL_BENCH_PYTHON" default:"python3" help:"A Python with scikit-learn."`
	Limit  time.Duration `default:"150s" help:"After how long a fit of scikit-learn is cut short."`
	JSON   string        `name:"json" type:"path" help:"A file to write the figures to, as JSON."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var c command
	parser := kong.Must(&c, kong.Name("train"),
		kong.Description("Measures what fitting and predicting cost, beside scikit-learn, and prints a table in Markdown."),
		kong.Vars{"sets": strings.Join(setNames(), ", ")})
	_, err := parser.Parse(os.Args[1:])
	if err == nil {
		err = c.run(ctx)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "train:", err)
		os.Exit(1) //nolint:forbidigo // the process begins here, and has to end somewhere
	}
}

// outcome is all that one run measured.
type outcome struct {
	Machine report.Machine `json:"machine"`
	Peer    string         `json:"peer"`
	Fits    []line         `json:"fits"`
	Batches []batch        `json:"batches"`
}

func (c *command) run(ctx context.Context) error {
	for _, name := range c.Only {
		if !slices.Contains(setNames(), name) {
			return fmt.Errorf("there is no set %q, expected one of %s", name, strings.Join(setNames(), ", "))
		}
	}
	folder, err := os.MkdirTemp("", "sepal-bench-train-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	python, err := findPython(ctx, c.Python, folder)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%v: Sepal is measured alone\n", err)
	}
	out := outcome{Machine: report.ThisMachine(), Peer: python.versions()}
	for _, s := range sets() {
		if len(c.Only) > 0 && !slices.Contains(c.Only, s.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s\n", s.name)
		l, b, err := c.measure(ctx, s, python)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		out.Fits = append(out.Fits, l)
		out.Batches = append(out.Batches, b...)
	}
	out.print(os.Stdout)
	if c.JSON == "" {
		return nil
	}
	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(c.JSON, append(text, '\n'), 0o600)
}
