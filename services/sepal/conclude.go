package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes. A process that a signal ended has 128 + its number, as shells have it.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
	exitDrifted = 3
	exitSignal  = 128
)

// usageError is a command line that cannot be meant, found after it was parsed.
type usageError struct {
	verb string
	err  error
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// conclude says on stderr, in one line, how the verb ended, and returns the exit code.
func conclude(ctx context.Context, err error, stderr io.Writer) int {
	var parsing *parseError
	var usage *usageError
	var drifted *driftError
	switch {
	case err == nil:
		return exitOK
	case unread(err):
		// Whoever read the output, such as head, has seen enough.
		return exitSignal + int(syscall.SIGPIPE)
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		say(stderr, "interrupted")
		return exitSignal + int(signalOf(ctx))
	case errors.As(err, &parsing):
		say(stderr, "%v; see `%s`", err, helpFor(parsing.context))
		return exitUsage
	case errors.As(err, &usage):
		say(stderr, "%v; see `sepal help %s`", err, usage.verb)
		return exitUsage
	case errors.As(err, &drifted):
		say(stderr, "%v", err)
		return exitDrifted
	default:
		say(stderr, "%v", err)
		return exitFailure
	}
}

// unread reports whether nobody reads the output any more. A connection that a server closes is
// another matter.
func unread(err error) bool {
	var file *fs.PathError
	return errors.As(err, &file) && errors.Is(file.Err, syscall.EPIPE)
}

// say writes one line to stderr. There is nobody to tell where that fails.
func say(stderr io.Writer, format string, args ...any) {
	text := strings.TrimPrefix(fmt.Sprintf(format, args...), "sepal: ") // packages of ours begin so too
	_, _ = fmt.Fprintf(stderr, "sepal: %s\n", printableLine(text))
}

// helpFor returns the command that explains what could not be parsed.
func helpFor(parsed *kong.Context) string {
	if verb := parsed.Selected(); verb != nil {
		return strings.Replace(verb.FullPath(), "sepal", "sepal help", 1)
	}
	return "sepal help"
}

// signalOf returns the signal that ended the context; an interrupt, unless another did.
func signalOf(ctx context.Context) syscall.Signal {
	var cause signalled
	if errors.As(context.Cause(ctx), &cause) {
		if s, ok := cause.Signal.(syscall.Signal); ok {
			return s
		}
	}
	return syscall.SIGINT
}
