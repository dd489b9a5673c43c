// Command scaling says how many servers a load needs and what they cost, from what `task bench`
// measured.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"

	"github.com/sepal-ml/sepal/services/bench/internal/capacity"
	"github.com/sepal-ml/sepal/services/bench/internal/report"
)

// options are the flags.
type options struct {
	Bench       string  `default:".task/bench.json" help:"What task bench wrote (${default})."`
	Cores       int     `default:"2" help:"Processors of a replica."`
	Utilisation float64 `default:"0.6" help:"Share of their time that predictions may take, between 0 and 1."`
	Spare       int     `default:"1" help:"Replicas that may be gone."`
	Price       float64 `default:"0.04" help:"Price of a processor for an hour."`
}

func main() {
	var o options
	kong.Parse(&o, kong.Name("scaling"), kong.Description("Says how many servers a load needs, as Markdown, from what task bench measured."))
	if err := run(os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "scaling:", err)
		os.Exit(1) //nolint:forbidigo // the process begins here, and has to end somewhere
	}
}

func run(w io.Writer, o options) error {
	content, err := os.ReadFile(o.Bench)
	if err != nil {
		return fmt.Errorf("%w; run `task bench` first", err)
	}
	var r report.Report
	if err := json.Unmarshal(content, &r); err != nil {
		return fmt.Errorf("%s: %w", o.Bench, err)
	}
	if err := capacity.WriteTables(w, &r, capacity.Plan{Cores: o.Cores, Utilisation: o.Utilisation, Spare: o.Spare, Price: o.Price}); err != nil {
		return fmt.Errorf("%s: %w", o.Bench, err)
	}
	return nil
}
