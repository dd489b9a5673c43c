// Tally counts the tests that ran. It is a tool of the build, not a part of the services.
//
//	tally go REPORT COMMAND [ARGUMENT...]   runs a command that writes as `go test -json` does,
//	                                        shows it for people and keeps the stream in REPORT
//	tally sum NAME=REPORT...                prints what the reports hold and, last, the total
//
// A report that ends in .jsonl is such a stream; one in .json is from Vitest's JSON reporter.
// The exit code is 1 when a test failed, and when a report is missing or empty: no news is not
// good news.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	switch {
	case len(args) >= 3 && args[0] == "go":
		return runGo(ctx, args[1], args[2:], stdout, stderr)
	case len(args) >= 2 && args[0] == "sum":
		return sum(args[1:], stdout)
	}
	return errors.New("expected `go REPORT COMMAND [ARGUMENT...]` or `sum NAME=REPORT...` as arguments")
}

// runGo runs the command, shows its stream on stdout and keeps it in the file report.
func runGo(ctx context.Context, report string, command []string, stdout, stderr io.Writer) (err error) {
	file, err := os.Create(report)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stderr = stderr
	stream, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	shown := show(io.TeeReader(stream, file), stdout)
	if err := errors.Join(shown, cmd.Wait()); err != nil {
		return fmt.Errorf("%s: %w", cmd, err)
	}
	return nil
}
