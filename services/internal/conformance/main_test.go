package conformance_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/conformance"
)

const (
	// serveVariable makes the tests' own binary the server under test, behind the door that it names.
	serveVariable = "SEPAL_CONFORMANCE_SERVE"
	// lifetime ends a server whose judge went away without a word.
	lifetime = 5 * time.Minute
)

func TestMain(m *testing.M) {
	door, serve := os.LookupEnv(serveVariable)
	if !serve {
		m.Run()
		printResults(os.Stdout)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, lifetime)
	defer cancel()
	if err := conformance.Run(ctx, os.Stdin, os.Stdout, door); err != nil {
		fmt.Fprintln(os.Stderr, err) // the suite misses the answer, and shows this
	}
}
