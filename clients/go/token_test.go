package sepal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

const sesame = "sepal_Open-Sesame.0123456789"

// guarded lets only requests with the token pass.
func guarded(next http.Handler) http.Handler {
	refuse := connect.NewErrorWriter()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+sesame {
			_ = refuse.Write(w, r, connect.NewError(connect.CodeUnauthenticated, errors.New("say who you are")))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func TestATokenIsOnEveryCallOfEveryWire(t *testing.T) {
	t.Parallel()
	for _, wire := range wires {
		t.Run(wire.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, guarded((&fakeService{}).handler()))
			client := dial(t, server.URL, append([]Option{WithBearerToken(sesame)}, wire.options...)...)
			checkAllMethods(t, client)
			for chunk, err := range client.ClassifyTable(t.Context(), Table{Columns: 1, Values: []float64{5, 1}, ChunkRows: 1}) {
				if err != nil {
					t.Errorf("from row %d: %v", chunk.FirstRow, err)
				}
			}
			rows := &predictionv1.BatchPredictRequest{Rows: []*predictionv1.Row{{Features: []float64{5}}}}
			for _, err := range client.BatchPredictStream(t.Context(), &predictionv1.BatchPredictStreamRequest{Batch: rows, ChunkRows: 1}) {
				if err != nil {
					t.Error(err)
				}
			}
			if wire.major != 2 {
				return
			}
			stream, err := client.PredictStream(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer stream.Close()
			if err := stream.CloseSend(); err != nil {
				t.Error(err)
			}
			if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
				t.Errorf("the stream ended with %v", err)
			}
		})
	}
}

func TestWithoutAGoodTokenACallFailsAtOnce(t *testing.T) {
	t.Parallel()
	for _, wire := range wires {
		t.Run(wire.name, func(t *testing.T) {
			t.Parallel()
			var arrived seen
			server := serve(t, arrived.around(guarded((&fakeService{}).handler())))
			client := dial(t, server.URL, append([]Option{WithBearerToken("Another")}, wire.options...)...)
			_, err := client.Health(t.Context())
			if e := asError(t, err); e.Code != connect.CodeUnauthenticated || e.Attempts != 1 || len(arrived.all()) != 1 {
				t.Errorf("error is %v after %d attempts, %d arrived; want unauthenticated after one", e, e.Attempts, len(arrived.all()))
			}
		})
	}
}

// TestInterceptorsDoNotSeeTheToken: they may log headers.
func TestInterceptorsDoNotSeeTheToken(t *testing.T) {
	t.Parallel()
	server := serve(t, guarded((&fakeService{}).handler()))
	var shown strings.Builder
	logging := connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
			res, err := next(ctx, req)
			fmt.Fprint(&shown, req.Header(), res, err)
			return res, err
		}
	})
	client := dial(t, server.URL, WithBearerToken(sesame), WithInterceptors(logging))
	if _, err := client.Health(t.Context()); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&shown, "%v %+v", client, client)
	if text := shown.String(); strings.Contains(text, sesame) || !strings.Contains(text, "map[") {
		t.Errorf("what is shown is %s", text)
	}
}

func TestATokenSourceIsAskedForEveryAttempt(t *testing.T) {
	t.Parallel()
	service := &fakeService{fail: func(_ context.Context, n int) error {
		if n < 3 {
			return refusal(connect.CodeUnavailable, "loading")
		}
		return nil
	}}
	var arrived seen
	server := serve(t, arrived.around(service.handler()))
	var asked atomic.Int64
	source := func(context.Context) (string, error) { return fmt.Sprint("token", asked.Add(1)), nil }
	client := dial(t, server.URL, WithTokenSource(source), WithRetry(RetryPolicy{InitialBackoff: time.Millisecond}))
	if _, err := client.Health(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, r := range arrived.all() {
		if got, want := r.Header.Get("Authorization"), fmt.Sprint("Bearer token", i+1); got != want {
			t.Errorf("attempt %d has %q, want %q", i+1, got, want)
		}
	}
}

func TestTokenSourcesThatFail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		source   TokenSource
		code     connect.Code
		attempts int
		want     string
	}{
		"without a code": {
			func(context.Context) (string, error) { return "", errors.New("the vault is sealed") },
			connect.CodeUnauthenticated, 1, "there is no token to send: the vault is sealed",
		},
		"with one": {
			func(context.Context) (string, error) {
				return "", connect.NewError(connect.CodeUnavailable, errors.New("the vault is away"))
			},
			connect.CodeUnavailable, 3, "the vault is away",
		},
		"with the context": {
			func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() },
			connect.CodeDeadlineExceeded, 1, "deadline exceeded",
		},
		"an empty token":                {func(context.Context) (string, error) { return "", nil }, connect.CodeUnauthenticated, 1, "the token is empty"},
		"a token with a break in it":    {func(context.Context) (string, error) { return "secret\r\nX-A: b", nil }, connect.CodeUnauthenticated, 1, "a character at byte 6"},
		"a token with the scheme in it": {func(context.Context) (string, error) { return "Bearer secret", nil }, connect.CodeUnauthenticated, 1, "a character at byte 6"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := &fakeService{}
			server := serve(t, service.handler())
			timeout := time.Minute
			if c.code == connect.CodeDeadlineExceeded {
				timeout = 50 * time.Millisecond
			}
			client := dial(t, server.URL, WithTokenSource(c.source), WithTimeout(timeout), WithRetry(RetryPolicy{InitialBackoff: time.Millisecond}))
			_, err := client.Health(t.Context())
			e := asError(t, err)
			if e.Code != c.code || e.Attempts != c.attempts || !strings.Contains(e.Message, c.want) || strings.Contains(e.Error(), "secret") {
				t.Errorf("error is %v after %d attempts, want %v after %d with %q", e, e.Attempts, c.code, c.attempts, c.want)
			}
			if n := service.calls.Load(); n != 0 {
				t.Errorf("%d calls arrived", n)
			}
		})
	}
}

func TestCredentialsStayOnThisMachineInClearText(t *testing.T) {
	t.Parallel()
	source := func(context.Context) (string, error) { return "secret", nil }
	credentials := map[string]Option{
		"token": WithBearerToken("secret"), "source": WithTokenSource(source), "header": WithHeader("authorization", "Basic secret"),
	}
	for name, option := range credentials {
		for _, target := range []string{"192.0.2.1:50051", "http://sepal.example.com", "localhost.example.com:1", "[2001:db8::1]:1"} {
			_, err := Dial(target, option)
			if !errors.Is(err, ErrClearText) || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "https://") {
				t.Errorf("%s to %s: error is %v, want ErrClearText and what to do", name, target, err)
			}
			if _, err := Dial(target, option, WithClearTextToken()); err != nil {
				t.Errorf("%s to %s, and told to: %v", name, target, err)
			}
		}
		for _, target := range []string{"https://sepal.example.com", "localhost:50051", "http://127.0.0.1:1", "127.1.2.3:1", "[::1]:50051", "a.localhost:1"} {
			if _, err := Dial(target, option); err != nil {
				t.Errorf("%s to %s: %v", name, target, err)
			}
		}
	}
}

func TestTokensRefused(t *testing.T) {
	t.Parallel()
	for want, options := range map[string][]Option{
		"WithBearerToken: the token is empty":                                    {WithBearerToken("")},
		"WithBearerToken: the token has a character at byte 1 that no token has": {WithBearerToken("s\n")},
		`WithHeader("Authorization") and a token: expected one of them`:          {WithBearerToken("s"), WithHeader("authorization", "x")},
	} {
		if _, err := Dial("localhost:1", options...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
	// The last one holds.
	if _, err := Dial("localhost:1", WithBearerToken(""), WithBearerToken("s")); err != nil {
		t.Error(err)
	}
	if _, err := Dial("sepal.example.com:1", WithBearerToken("s"), WithTokenSource(nil)); err != nil {
		t.Error(err)
	}
}

func TestATokenFileIsReadAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	now := time.Unix(0, 0)
	f := &tokenFile{path: path, now: func() time.Time { return now }}
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(want string) {
		t.Helper()
		if got, err := f.token(t.Context()); got != want || err != nil {
			t.Errorf("the token is %q, %v; want %q", got, err, want)
		}
	}
	if _, err := f.token(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a file, the error is %v", err)
	}
	write("one\n")
	expect("one")
	write("two\r\n")
	expect("one")
	now = now.Add(tokenAge)
	expect("two")
	write("not one")
	now = now.Add(tokenAge)
	if _, err := f.token(t.Context()); err == nil || !strings.Contains(err.Error(), path+": the token has a character at byte 3") {
		t.Errorf("the error is %v", err)
	}
}
