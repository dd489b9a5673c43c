package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// runGo runs the command, shows its stream on stdout and keeps it in the file report. Where tests
// failed that may be flaky, it runs them once more.
func runGo(ctx context.Context, report string, command []string, stdout, stderr io.Writer) (err error) {
	file, err := os.Create(report)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	r := runner{file, stdout, stderr}
	failure := r.run(ctx, command)
	if failure == nil || ctx.Err() != nil {
		return failure
	}
	again, err := retries(report, command)
	if err != nil || len(again) == 0 {
		return errors.Join(failure, err)
	}
	fmt.Fprintln(stdout, "\nFAILED: what failed runs once more")
	for _, command := range again {
		if err := r.run(ctx, command); err != nil {
			return err
		}
	}
	return judge(report, stdout)
}

// runner runs commands that write as `go test -json` does.
type runner struct{ report, stdout, stderr io.Writer }

// run runs a command, and adds its stream to the report.
func (r runner) run(ctx context.Context, command []string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stderr = r.stderr
	stream, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	shown := show(io.TeeReader(stream, r.report), r.stdout)
	if err := errors.Join(shown, cmd.Wait()); err != nil {
		return fmt.Errorf("%s: %w", cmd, err)
	}
	return nil
}

// retries returns the commands of the second chance for what the report says; none where there
// is no such chance.
func retries(report string, command []string) ([][]string, error) {
	file, err := os.Open(report)
	if err != nil {
		return nil, err
	}
	failed, err := mayBeFlaky(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	var commands [][]string
	for _, p := range failed {
		if c := retryOf(command, p); c != nil {
			commands = append(commands, c)
		}
	}
	return commands, nil
}

// judge says what the report comes to after the second chance.
func judge(report string, w io.Writer) error {
	c, err := count(report)
	if err != nil {
		return err
	}
	if c.failed > 0 {
		return fmt.Errorf("%d failed, and did not pass when they ran again", c.failed)
	}
	for _, name := range c.flaky {
		fmt.Fprintf(w, "FLAKY: %s failed, and passed when it ran again\n", name)
	}
	return nil
}

// retryOf returns the command that runs the tests of a package alone, with the flags of the
// command that ran them all; nil where that one is not `go test`.
func retryOf(command []string, failed failedPackage) []string {
	if len(command) < 2 || command[1] != "test" {
		return nil
	}
	again := command[:2:2]
	for _, argument := range command[2:] {
		name, _, _ := strings.Cut(strings.TrimLeft(argument, "-"), "=")
		switch {
		case name == "args":
			return nil
		case strings.HasPrefix(argument, "-") && name != "run" && name != "count":
			again = append(again, argument)
		}
	}
	return append(again, "-count=1", "-run="+failed.pattern(), failed.pkg)
}
