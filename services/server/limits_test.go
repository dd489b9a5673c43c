package server_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/internal/ratelimit"
	"github.com/sepal-ml/sepal/services/internal/testenv"
	"github.com/sepal-ml/sepal/services/server"
)

// limited returns options of a server whose callers may make so many requests at once. It takes so
// long until there is another one that no test sees it.
func limited(requests float64) server.Options {
	o := testenv.Options()
	o.RateLimit = ratelimit.Limit{Requests: requests, Per: 24 * time.Hour}
	return o
}

func someRow() []float64 { return []float64{5.1, 3.5, 1.4, 0.2} }

func someRows(n int) *predictionv1.BatchPredictRequest {
	batch := new(predictionv1.BatchPredictRequest)
	for range n {
		batch.Rows = append(batch.Rows, &predictionv1.Row{Features: someRow()})
	}
	return batch
}

func someMatrix(n int) *predictionv1.BatchPredictRequest {
	matrix := &predictionv1.Matrix{Columns: 4}
	for range n {
		matrix.Values = append(matrix.Values, someRow()...)
	}
	return &predictionv1.BatchPredictRequest{Matrix: matrix}
}

// wait returns when to try again, as an error says it.
func wait(t *testing.T, err error) (delay time.Duration, after string) {
	t.Helper()
	made := requireCode(t, err, connect.CodeResourceExhausted, "too many requests: one caller may make ")
	for _, detail := range made.Details() {
		value, err := detail.Value()
		if err != nil {
			t.Fatal(err)
		}
		if retry, ok := value.(*errdetails.RetryInfo); ok {
			return retry.GetRetryDelay().AsDuration(), made.Meta().Get("Retry-After")
		}
	}
	t.Fatalf("%v does not say when to try again", err)
	return 0, ""
}

func predictOnce(t *testing.T, client predictionv1connect.PredictionServiceClient) error {
	t.Helper()
	_, err := client.Predict(t.Context(), &predictionv1.PredictRequest{Features: someRow()})
	return err
}

func TestRequestsBeyondTheLimit(t *testing.T) {
	t.Parallel()
	for _, w := range testenv.Ways() {
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			p, env := w.Protocol, testenv.Start(t, testenv.Through(limited(3), w.Door))
			client := env.Prediction(t, p)
			for range 3 {
				if err := predictOnce(t, client); err != nil {
					t.Fatal(err)
				}
			}
			delay, after := wait(t, predictOnce(t, client))
			if delay > 8*time.Hour || delay < time.Hour || after == "" || after == "0" {
				t.Errorf("to be tried again after %v, and %q s", delay, after)
			}
			// It is the caller's, whatever it calls and how, but for what is never limited.
			if _, err := env.Registry(t, p).ListModels(t.Context(), nil); connect.CodeOf(err) != connect.CodeResourceExhausted {
				t.Errorf("ListModels: got %v", err)
			}
			for range 5 {
				if _, err := client.Health(t.Context(), &predictionv1.HealthRequest{}); err != nil {
					t.Fatal(err)
				}
				if err := call(t.Context(), testenv.HTTPClient(t, p.HTTP2()), env.URL, method{path: "/grpc.health.v1.Health/Check"}, p.Options()...); err != nil {
					t.Fatal(err)
				}
			}
			text := rejected(t, env)
			if !strings.Contains(text, `sepal_rejected_total{reason="rate"} 2`) || !strings.Contains(text, `sepal_rejected_total{reason="size"} 0`) {
				t.Errorf("the metrics are\n%s", text)
			}
		})
	}
}

// rejected returns the lines of /metrics about rejections.
func rejected(t *testing.T, env *testenv.Env) string {
	t.Helper()
	var lines strings.Builder
	for line := range strings.Lines(get(t, testenv.HTTPClient(t, false), env.URL+"/metrics").text) {
		if strings.HasPrefix(line, "sepal_rejected_total") {
			lines.WriteString(line)
		}
	}
	return lines.String()
}

func TestTooManyRequestsOverHTTP(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, limited(1))
	const path = "/sepal.prediction.v1.PredictionService/Predict?connect=v1&encoding=json&message="
	url := env.URL + path + "%7B%22features%22%3A%5B5.1%2C3.5%2C1.4%2C0.2%5D%7D"
	client := testenv.HTTPClient(t, false)
	if got := get(t, client, url); got.status != http.StatusOK {
		t.Fatalf("got %d", got.status)
	}
	got := get(t, client, url)
	if seconds, err := time.ParseDuration(got.header.Get("Retry-After") + "s"); err != nil || seconds < time.Hour || seconds > 24*time.Hour {
		t.Errorf("Retry-After is %q", got.header.Get("Retry-After"))
	}
	if got.status != http.StatusTooManyRequests || !strings.Contains(got.text, `"code":"resource_exhausted"`) {
		t.Errorf("got %d %s", got.status, got.text)
	}
	for _, path := range []string{"/livez", "/readyz", "/metrics", "/"} {
		for range 3 {
			if got := get(t, client, env.URL+path); got.status != http.StatusOK {
				t.Errorf("%s: got %d", path, got.status)
			}
		}
	}
}

// TestRowsCount asks for a batch, and looks how long its caller has to wait then.
func TestRowsCount(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(t *testing.T, client predictionv1connect.PredictionServiceClient) error{
		"rows": func(t *testing.T, client predictionv1connect.PredictionServiceClient) error {
			_, err := client.BatchPredict(t.Context(), someRows(24))
			return err
		},
		"matrix": func(t *testing.T, client predictionv1connect.PredictionServiceClient) error {
			_, err := client.BatchPredict(t.Context(), someMatrix(24))
			return err
		},
		"stream": func(t *testing.T, client predictionv1connect.PredictionServiceClient) error {
			stream, err := client.BatchPredictStream(t.Context(), &predictionv1.BatchPredictStreamRequest{Batch: someRows(24), ChunkRows: 10})
			if err != nil {
				return err
			}
			rows := 0
			for stream.Receive() {
				rows += len(stream.Msg().GetChunk().GetResults())
			}
			if err := errors.Join(stream.Err(), stream.Close()); err != nil {
				return err
			}
			if rows != 24 {
				t.Errorf("%d rows were answered", rows)
			}
			return nil
		},
	} {
		for _, p := range testenv.Protocols() {
			t.Run(name+"/"+p.Name, func(t *testing.T) {
				t.Parallel()
				env := testenv.Start(t, limited(12)) // one in two hours
				client := env.Prediction(t, p)
				if err := ask(t, client); err != nil {
					t.Fatal(err) // larger than what may come at once, and taken all the same
				}
				delay, _ := wait(t, predictOnce(t, client))
				// It owes 12, and waits for those and one more; some of the time has gone by.
				if delay > 26*time.Hour || delay < 25*time.Hour {
					t.Errorf("the wait is %v, expected 26 h", delay)
				}
				err := ask(t, client)
				if _, after := wait(t, err); after == "" {
					t.Errorf("another batch gets %v", err)
				}
			})
		}
	}
}

// TestABatchThatCannotBeCountsOnce shows that what was asked for by mistake does not have to be waited for.
func TestABatchThatCannotBeCountsOnce(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, limited(10))
	client := env.Prediction(t, testenv.Protocols()[0])
	wrong := someMatrix(1000)
	wrong.Matrix.Columns = 1
	for range 4 {
		_, err := client.BatchPredict(t.Context(), wrong)
		requireCode(t, err, connect.CodeInvalidArgument, "")
		stream, err := client.BatchPredictStream(t.Context(), &predictionv1.BatchPredictStreamRequest{Batch: wrong})
		if err != nil {
			t.Fatal(err)
		}
		for stream.Receive() {
			t.Error("there is an answer")
		}
		requireCode(t, stream.Err(), connect.CodeInvalidArgument, "")
		if err := stream.Close(); err != nil {
			t.Fatal(err)
		}
	}
	unknown := someRows(50)
	unknown.Model = "none"
	_, err := client.BatchPredict(t.Context(), unknown)
	requireCode(t, err, connect.CodeNotFound, "none")
	if err := predictOnce(t, client); err != nil {
		t.Errorf("after nine batches that could not be: %v", err)
	}
	wait(t, predictOnce(t, client))
}

func TestMessagesOfAStreamCount(t *testing.T) {
	t.Parallel()
	for _, w := range testenv.Ways() {
		if !w.HTTP2() {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			p, env := w.Protocol, testenv.Start(t, testenv.Through(limited(3), w.Door))
			stream, err := env.Prediction(t, p).PredictStream(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for i := range 5 {
				if err := stream.Send(&predictionv1.PredictStreamRequest{Request: &predictionv1.PredictRequest{Features: someRow()}}); err != nil {
					t.Fatal(err)
				}
				answer, err := stream.Receive()
				if err != nil {
					t.Fatal(err)
				}
				switch refused := answer.GetError(); {
				case i < 3 && answer.GetResponse().GetPrediction() != "setosa":
					t.Errorf("message %d is answered with %v", i, answer)
				case i >= 3 && (refused.GetCode() != "resource_exhausted" || !strings.Contains(refused.GetMessage(), "try again in")):
					t.Errorf("message %d is answered with %v", i, answer)
				}
			}
			if err := stream.CloseRequest(); err != nil {
				t.Fatal(err)
			}
			if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
				t.Errorf("the stream ends with %v", err)
			}
			if err := stream.CloseResponse(); err != nil {
				t.Fatal(err)
			}
			again, err := env.Prediction(t, p).PredictStream(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_ = again.Send(nil) // what is wrong is what Receive says
			_, err = again.Receive()
			wait(t, err)
			if text := rejected(t, env); !strings.Contains(text, `{reason="rate"} 3`) {
				t.Errorf("the metrics are\n%s", text)
			}
		})
	}
}

// from returns a client of PredictionService whose requests say that they came from an address.
func from(t *testing.T, env *testenv.Env, p testenv.Protocol, address string) predictionv1connect.PredictionServiceClient {
	t.Helper()
	transport := testenv.HTTPClient(t, p.HTTP2()).Transport
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		r.Header.Set("X-Forwarded-For", address)
		return transport.RoundTrip(r)
	})}
	return predictionv1connect.NewPredictionServiceClient(client, env.URL, p.Options()...)
}

func TestWhoSaysThatTheyComeFromElsewhere(t *testing.T) {
	t.Parallel()
	for _, p := range testenv.Protocols() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			env := testenv.Start(t, limited(3))
			for i := range 3 {
				if err := predictOnce(t, from(t, env, p, fmt.Sprintf("203.0.113.%d", i))); err != nil {
					t.Fatal(err)
				}
			}
			wait(t, predictOnce(t, from(t, env, p, "203.0.113.99")))
		})
	}
}

func TestBehindAProxy(t *testing.T) {
	t.Parallel()
	o := limited(1)
	o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	env := testenv.Start(t, o)
	p := testenv.Protocols()[0]
	for _, address := range []string{"203.0.113.1", "203.0.113.2", "2001:db8::1", "2001:db8:1::1"} {
		if err := predictOnce(t, from(t, env, p, address)); err != nil {
			t.Errorf("%s: %v", address, err)
		}
		wait(t, predictOnce(t, from(t, env, p, address)))
		wait(t, predictOnce(t, from(t, env, p, "198.51.100.7, "+address))) // what the client has made up
	}
	wait(t, predictOnce(t, from(t, env, p, "2001:db8::2"))) // of the network of one before
}

func TestWhoIsKnownHasALimitOfTheirOwn(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, known(t, limited(2), map[string]string{"ada": "predict", "ben": "predict", "eve": "read"}))
	p := testenv.Protocols()[0]
	as := func(name string) predictionv1connect.PredictionServiceClient {
		return predictionv1connect.NewPredictionServiceClient(bearing(t, name, p.HTTP2()), env.URL, p.Options()...)
	}
	for _, name := range []string{"ada", "ben"} {
		for range 5 { // who is refused for another reason takes nothing from those of the same address
			requireCode(t, predictOnce(t, as("")), connect.CodeUnauthenticated, "")
			requireCode(t, predictOnce(t, as("eve")), connect.CodePermissionDenied, "")
		}
		for range 2 {
			if err := predictOnce(t, as(name)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		wait(t, predictOnce(t, as(name)))
	}
}

func TestALimitThatCannotBe(t *testing.T) {
	t.Parallel()
	o := testenv.Options()
	o.RateLimit = ratelimit.Limit{Requests: -1, Per: time.Second}
	if _, err := server.New(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the limit is -1 requests in 1s") {
		t.Errorf("got the error %v", err)
	}
}
