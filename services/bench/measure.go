package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/sepal-ml/sepal/services/bench/internal/compare"
	"github.com/sepal-ml/sepal/services/bench/internal/process"
	"github.com/sepal-ml/sepal/services/bench/internal/reference"
	"github.com/sepal-ml/sepal/services/bench/internal/report"
)

// measureCmd measures everything.
type measureCmd struct {
	Pairs    int      `default:"5" help:"How many times each server is measured."`
	Seconds  float64  `default:"2" help:"For how long each time."`
	Quick    bool     `help:"Measure once and briefly, to see that everything works; the figures are worth nothing."`
	Only     []string `placeholder:"NAME" help:"Measure only these: ${groups}."`
	JSON     string   `name:"json" placeholder:"FILE" help:"Write the report as JSON too."`
	Markdown string   `placeholder:"FILE" help:"Write the table to a file too."`
	Strict   bool     `help:"Fail where a target is missed."`
	Binary   string   `placeholder:"FILE" help:"Measure this binary of Sepal in place of one built now."`
	Python   string   `env:"SEPAL_BENCH_PYTHON" placeholder:"FILE" help:"The Python that runs the reference service, such as that of a virtual environment; python3 by default."`
}

// AfterApply refuses what measures nothing.
func (c *measureCmd) AfterApply() error {
	if c.Pairs < 1 || c.Seconds <= 0 {
		return fmt.Errorf("--pairs is %d and --seconds %g, expected at least one and more than 0", c.Pairs, c.Seconds)
	}
	return checkOnly(c.Only)
}

// Run measures and writes what was asked for.
func (c *measureCmd) Run(ctx context.Context) error {
	folder, err := os.MkdirTemp("", "sepal-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a folder of temporary files may stay
	s, err := c.prepare(ctx, folder)
	if err != nil {
		return err
	}
	if err := s.run(ctx, measurements(), c.Only); err != nil {
		return err
	}
	if err := s.report.WriteMarkdown(os.Stdout); err != nil {
		return err
	}
	if err := errors.Join(
		writeTo(c.Markdown, s.report.WriteMarkdown),
		writeTo(c.JSON, s.report.WriteJSON),
	); err != nil {
		return err
	}
	if c.Strict {
		return s.report.Short()
	}
	return nil
}

// prepare builds the servers and takes the processors.
func (c *measureCmd) prepare(ctx context.Context, folder string) (*suite, error) {
	cpus, err := process.CPUs()
	if err != nil {
		return nil, err
	}
	s := &suite{
		log:     os.Stderr,
		options: compare.Options{Rounds: c.Pairs, Warmup: 500 * time.Millisecond, Window: time.Duration(c.Seconds * float64(time.Second))},
		open:    20 * time.Second,
		starts:  10,
		report:  report.Report{Machine: report.ThisMachine()},
	}
	if c.Quick {
		s.options = compare.Options{Rounds: 1, Warmup: 200 * time.Millisecond, Window: 300 * time.Millisecond}
		s.open, s.starts = time.Second, 2
	}
	if s.servers, err = findServers(ctx, c.Binary, folder, len(c.Only) == 0 || slices.Contains(c.Only, startGroup)); err != nil {
		return nil, err
	}
	s.cpu = cpus[len(cpus)-1]
	clients := cpus[0] // the same where there is no other
	s.report.Machine.Sepal = s.version(ctx)
	s.report.Method = report.Method{
		Rounds: s.options.Rounds, Seconds: s.options.Window.Seconds(), ServerCPU: s.cpu, LoadCPU: clients,
	}
	if python, err := reference.Find(ctx, c.Python, folder); err != nil {
		s.noPython = err.Error()
	} else {
		s.python, s.report.Machine.Python = python, python.Versions
	}
	// The servers have a processor to themselves from here on.
	if err := process.Confine([]int{clients}); err != nil {
		return nil, err
	}
	runtime.GOMAXPROCS(1)
	return s, nil
}

// writeTo writes to the file, if one is named.
func writeTo(file string, write func(io.Writer) error) error {
	if file == "" {
		return nil
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
