// Command sepal trains, serves and looks into softmax classifiers. `sepal help` says how.
package main

import (
	"context"
	"os"

	"github.com/mattn/go-isatty"
)

func main() {
	ctx, stop := signals(context.Background())
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}
