// Command overload measures what becomes of a server that is asked for three times what it can do:
// Sepal's binary on one processor, as it is run without any option, and an open loop on another. It
// prints how much of its capacity the server still answers in time, and what it refuses.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sepal-ml/sepal/services/bench/internal/process"
	"github.com/sepal-ml/sepal/services/bench/internal/report"
)

type command struct {
	Only    []string `placeholder:"NAME" help:"Measure only these: ${names}."`
	Seconds float64  `default:"30" help:"How long the server is overloaded."`
	Times   float64  `default:"3" help:"By how much: times its capacity."`
	Quick   bool     `help:"Overload for 5 s only."`
	Binary  string   `placeholder:"FILE" help:"Measure this binary of Sepal in place of one built now."`
	JSON    string   `name:"json" placeholder:"FILE" help:"Write the figures as JSON too."`
	Strict  bool     `help:"Fail where a target is missed."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var c command
	parser := kong.Must(&c, kong.Name("overload"),
		kong.Description("Measures what becomes of a server that is asked for more than it can do, and prints a table in Markdown."),
		kong.Vars{"names": strings.Join(names(), ", ")})
	_, err := parser.Parse(os.Args[1:])
	if err == nil {
		err = c.run(ctx)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "overload:", err)
		os.Exit(1) //nolint:forbidigo // the process begins here, and has to end somewhere
	}
}

// outcome is all that one run measured.
type outcome struct {
	Machine report.Machine `json:"machine"`
	Seconds float64        `json:"seconds"`
	Times   float64        `json:"times"`
	Floods  []*flooding    `json:"floods"`
}

func (c *command) run(ctx context.Context) error {
	if c.Quick {
		c.Seconds = 5
	}
	if c.Seconds < 1 || c.Times <= 1 {
		return fmt.Errorf("--seconds is %g and --times %g, expected at least 1 and more than 1", c.Seconds, c.Times)
	}
	for _, name := range c.Only {
		if !slices.Contains(names(), name) {
			return fmt.Errorf("--only is %q, expected one of %s", name, strings.Join(names(), ", "))
		}
	}
	folder, err := os.MkdirTemp("", "sepal-overload-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a folder of temporary files may stay
	server, err := c.server(ctx, folder)
	if err != nil {
		return err
	}
	out := outcome{Machine: report.ThisMachine(), Seconds: c.Seconds, Times: c.Times}
	for _, w := range workloads() {
		if len(c.Only) > 0 && !slices.Contains(c.Only, w.name) {
			continue
		}
		f, err := w.measure(ctx, server, time.Duration(c.Seconds*float64(time.Second)), c.Times)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		f.print(os.Stdout, c.Times)
		out.Floods = append(out.Floods, f)
	}
	if err := out.write(c.JSON); err != nil || !c.Strict {
		return err
	}
	for _, f := range out.Floods {
		if f.Missed {
			return errors.New("a target was missed")
		}
	}
	return nil
}

// server returns how the server is run, on the last processor, and leaves the first to this process.
func (c *command) server(ctx context.Context, folder string) (process.Command, error) {
	cpus, err := process.CPUs()
	if err != nil {
		return process.Command{}, err
	}
	binary := c.Binary
	if binary == "" {
		binary = filepath.Join(folder, "sepal")
		output, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "github.com/sepal-ml/sepal/services/sepal").CombinedOutput()
		if err != nil {
			return process.Command{}, fmt.Errorf("go build: %w\n%s", err, output)
		}
	}
	if err := process.Confine(cpus[:1]); err != nil {
		return process.Command{}, err
	}
	runtime.GOMAXPROCS(1)
	return process.Command{
		Name: "sepal", Path: binary, Args: []string{"serve", "--port", "0"}, CPU: cpus[len(cpus)-1], Env: environment(),
	}, nil
}

// environment is that of a server of which no option is set, on one processor.
func environment() []string {
	list := []string{"GOMAXPROCS=1"}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "SEPAL_") || strings.HasPrefix(name, "OTEL_") || strings.HasPrefix(name, "SENTRY_") ||
			slices.Contains([]string{"HOST", "PORT", "MODEL_PATH", "MODEL_VERSION"}, name) {
			list = append(list, name+"=")
		}
	}
	return list
}

func (o *outcome) write(file string) error {
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o600)
}
