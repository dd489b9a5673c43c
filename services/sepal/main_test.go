package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sepal-ml/sepal/services/internal/registry/registrytest"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// asCommand is the variable that makes the test binary behave as sepal itself.
const asCommand = "SEPAL_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		return
	}
	if err := registrytest.S3Environment(); err != nil {
		panic(err)
	}
	// What the tests see must not depend on who runs them.
	unset := []string{"COLUMNS", "NO_COLOR", tokenVariable}
	for _, v := range values() {
		unset = append(unset, v.Tag.Envs...)
	}
	for _, name := range unset {
		if err := os.Unsetenv(name); err != nil {
			panic(err)
		}
	}
	m.Run()
}

// values returns all flags and arguments of the command line.
func values() []*kong.Value {
	parser, err := newParser(new(cli), io.Discard, io.Discard)
	if err != nil {
		panic(err)
	}
	var all []*kong.Value
	err = kong.Visit(parser.Model.Node, func(node kong.Visitable, next kong.Next) error {
		switch node := node.(type) {
		case *kong.Flag:
			all = append(all, node.Value)
		case *kong.Positional:
			all = append(all, node)
		}
		return next(nil)
	})
	if err != nil {
		panic(err)
	}
	return all
}

// outcome is what a command left behind.
type outcome struct {
	code           int
	stdout, stderr string
}

// String returns the outcome as a terminal shows it, the lines of stderr marked.
func (o outcome) String() string {
	var text strings.Builder
	text.WriteString(o.stdout)
	for line := range strings.Lines(o.stderr) {
		text.WriteString("! " + line)
	}
	fmt.Fprintf(&text, "exit %d\n", o.code)
	return text.String()
}

const testdataMark = "$TESTDATA"

// sepalCommand runs a command in process; $TESTDATA in an argument is the folder testdata.
func sepalCommand(t *testing.T, stdin string, args ...string) outcome {
	t.Helper()
	for i, arg := range args {
		args[i] = strings.ReplaceAll(arg, testdataMark, testenv.Testdata())
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, strings.NewReader(stdin), &stdout, &stderr)
	return outcome{code: code, stdout: stdout.String(), stderr: stderr.String()}
}
