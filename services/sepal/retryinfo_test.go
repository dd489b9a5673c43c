package main

import (
	"errors"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"connectrpc.com/connect"

	sepal "github.com/sepal-ml/sepal/clients/go"
	"github.com/sepal-ml/sepal/services/internal/ratelimit"
	"github.com/sepal-ml/sepal/services/server"
)

// TestEveryProtocolSaysWhenToComeBack asks a server that takes one request an hour.
func TestEveryProtocolSaysWhenToComeBack(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]sepal.Option{
		"grpc":         {},
		"grpc-web":     {sepal.WithProtocol(sepal.GRPCWeb)},
		"connect":      {sepal.WithProtocol(sepal.Connect)},
		"connect json": {sepal.WithProtocol(sepal.Connect), sepal.WithJSON()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startClosed(t, func(o *server.Options) { o.RateLimit = ratelimit.Limit{Requests: 1, Per: time.Hour} })
			client, err := sepal.Dial("https://"+s.Address, append(options,
				sepal.WithTLSFiles(s.ca, "", ""), sepal.WithTokenSource(sepal.TokenFile(filepath.Join(s.folder, "predict"))))...)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			row := sepal.Features(5.1, 3.5, 1.4, 0.2)
			if answer, err := client.Predict(t.Context(), row); err != nil || answer.GetPrediction() != "setosa" {
				t.Fatalf("got %v, %v", answer, err)
			}
			_, err = client.Predict(t.Context(), row)
			var e *sepal.Error
			var coded *connect.Error
			if !errors.As(err, &e) || !errors.As(err, &coded) || e.Code != connect.CodeResourceExhausted {
				t.Fatalf("got %v, expected resource_exhausted", err)
			}
			if e.RetryAfter <= 0 || e.RetryAfter > time.Hour || e.Attempts != 1 {
				t.Errorf("to be tried again after %v, %d attempts; expected an hour at most, and one: it does not fit into the call", e.RetryAfter, e.Attempts)
			}
			seconds, err := strconv.Atoi(coded.Meta().Get("Retry-After"))
			if told := time.Duration(seconds) * time.Second; err != nil || told < e.RetryAfter || told >= e.RetryAfter+time.Second {
				t.Errorf("Retry-After is %q, and RetryInfo %v", coded.Meta().Get("Retry-After"), e.RetryAfter)
			}
		})
	}
}
