// Command bench measures what serving costs: Sepal's binary beside the smallest servers that do
// the same with other means, and a Python service of the usual kind, all in one run. The README
// beside it says how and why, and how to read what comes out.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/sepal-ml/sepal/services/bench/internal/drive"
	"github.com/sepal-ml/sepal/services/bench/internal/peer"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:forbidigo // the process begins here, and has to end somewhere
	}
}

// run is the program: what measures, or, started by that, a server or a client of it.
func run(ctx context.Context, args []string) error {
	var command interface {
		Run(ctx context.Context) error
	} = new(measureCmd)
	if len(args) > 0 && args[0] == peerVerb {
		command, args = new(peerCmd), args[1:]
	} else if len(args) > 0 && args[0] == askVerb {
		command, args = new(askCmd), args[1:]
	} else if len(args) > 0 && args[0] == watchedVerb {
		command, args = new(watchedCmd), args[1:]
	} else if len(args) > 0 && args[0] == attackVerb {
		command, args = new(attackCmd), args[1:]
	}
	parser, err := kong.New(command,
		kong.Name("bench"),
		kong.Description("Measures what serving costs, beside other servers, and prints a table in Markdown."),
		kong.Vars{"groups": strings.Join(groups(), ", ")})
	if err != nil {
		return err
	}
	if _, err := parser.Parse(args); err != nil {
		return err
	}
	return command.Run(ctx)
}

// The verbs of what a measurement starts of its own program.
const (
	peerVerb    = "peer"
	askVerb     = "ask"
	watchedVerb = "watched"
	attackVerb  = "attack"
)

// peerCmd serves as one of the peers.
type peerCmd struct {
	Kind string `arg:"" help:"Which."`
}

// Run serves until it is killed.
func (c *peerCmd) Run(ctx context.Context) error {
	return peer.Serve(ctx, c.Kind, func(address string) {
		// As Sepal's log tells it. A map of strings is always JSON.
		line, _ := json.Marshal(map[string]string{"address": address}) //nolint:errchkjson // see above
		fmt.Fprintf(os.Stderr, "%s\n", line)
	})
}

// askCmd is a client in a process of its own, so that what it allocates is no server's.
type askCmd struct {
	Address string `arg:"" help:"Whom."`
	Calls   int    `arg:"" help:"How often."`
}

// Run makes the calls.
func (c *askCmd) Run(ctx context.Context) error { return drive.Calls(ctx, c.Address, c.Calls) }
