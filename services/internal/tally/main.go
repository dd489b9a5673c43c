// Tally counts the tests that ran. It is a tool of the build, not a part of the services.
//
//	tally go REPORT COMMAND [ARGUMENT...]   runs a command that writes as `go test -json` does,
//	                                        shows it for people and keeps the stream in REPORT
//	tally sum NAME=REPORT...                prints what the reports hold and, last, the total
//
// A report that ends in .jsonl is such a stream; one in .json is from Vitest's JSON reporter.
// The exit code is 1 when a test failed, and when a report is missing or empty: no news is not
// good news.
//
// A test that fails gets a second chance, which nobody overlooks: one that passes then counts as
// passed and as flaky, and is named where the run ends and in the last line of the sum. Vitest
// gives it as its configuration says. `tally go` gives it where the command is `go test` or ends
// in it, such as `/usr/lib/go/bin/go test -race -json ./...`: it runs the failed tests once more,
// by package, with the same flags, and appends that to the report. What begins with a dash is
// taken for a flag, so values go with it: `-timeout=20m`. Subtests run again with the test that
// they are a part of; fuzz targets and examples are tests too.
//
// There is no second chance where more went wrong than tests that are flaky do: where more than
// five failed, a package did not build, a test binary did not reach its end (a panic, a time
// limit, an exit), a package failed beside its tests, or the race detector found anything.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
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
