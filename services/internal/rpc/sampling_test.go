package rpc

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"connectrpc.com/connect"
)

func TestShareOfGoodRequestsIsLogged(t *testing.T) {
	t.Parallel()
	const calls = 400
	fine := func(context.Context) error { return nil }
	failed := func(context.Context) error {
		return connect.NewError(connect.CodeNotFound, errors.New("no such model"))
	}
	for _, test := range []struct {
		name        string
		rate        float64
		end         end
		least, most int
	}{
		{"none of the good", 0, fine, 0, 0},
		{"a quarter of the good", 0.25, fine, 30, 200}, // beyond by chance once in 10¹⁴ runs
		{"all the good", 1, fine, calls, calls},
		{"all that failed", 0, failed, calls, calls},
		{"all that failed, once", 1, failed, calls, calls},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			log := new(journal)
			h, _ := measured(log, test.rate, test.end)
			for range calls {
				serve(t, h, http.Header{"Content-Type": {"application/json"}}, "{}")
			}
			lines := log.lines(t)
			if len(lines) < test.least || len(lines) > test.most {
				t.Fatalf("%d of %d calls are logged, expected %d to %d", len(lines), calls, test.least, test.most)
			}
			for _, line := range lines {
				for _, field := range []string{"rpc", "protocol", "peer", "request_id", "duration_ms", "code"} {
					if line["level"] != "info" || line[field] == nil {
						t.Fatalf("expected level info and the field %s in %v", field, line)
					}
				}
			}
		})
	}
}
