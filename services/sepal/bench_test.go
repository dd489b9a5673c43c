package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/registry/v1/registryv1connect"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// benchServer serves a model of a number and a category, and keeps what it is asked.
type benchServer struct {
	predictionv1connect.UnimplementedPredictionServiceHandler
	registryv1connect.UnimplementedRegistryServiceHandler

	address  string
	requests atomic.Int64
	// answer is what it does with a request, of which so many came; nil answers.
	answer func(n int64, r *predictionv1.PredictRequest) error
	// canary is whether a variant answers every fourth request.
	canary bool
}

func (s *benchServer) GetVersion(_ context.Context, r *registryv1.GetVersionRequest) (*registryv1.GetVersionResponse, error) {
	if r.GetModel() == "rose" {
		return nil, connect.NewError(connect.CodeNotFound, errors.New("there is no model rose"))
	}
	return &registryv1.GetVersionResponse{Version: &registryv1.ModelVersion{
		Model: "pet", Version: "v1.2.3", Digest: "abc", Classes: []string{"cat", "dog"},
		Signature: &modelv1.Signature{Features: []*modelv1.Feature{
			{Name: "weight", Kind: &modelv1.Feature_Numeric{Numeric: &modelv1.NumericFeature{Min: proto.Float64(1), Max: proto.Float64(9)}}},
			{Name: "fur", Kind: &modelv1.Feature_Categorical{Categorical: &modelv1.CategoricalFeature{Categories: []string{"short", "long"}}}},
		}},
	}}, nil
}

func (s *benchServer) Predict(_ context.Context, r *predictionv1.PredictRequest) (*predictionv1.PredictResponse, error) {
	n := s.requests.Add(1)
	if s.answer != nil {
		if err := s.answer(n, r); err != nil {
			return nil, err
		}
	}
	if s.canary && n%4 == 0 {
		return &predictionv1.PredictResponse{Prediction: "cat", Model: "pet", ModelVersion: "v1.3.0", Variant: "canary"}, nil
	}
	return &predictionv1.PredictResponse{Prediction: "cat", Model: "pet", ModelVersion: "v1.2.3", Variant: "stable"}, nil
}

// start serves until the test ends.
func (s *benchServer) start(t *testing.T) *benchServer {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(predictionv1connect.NewPredictionServiceHandler(s))
	mux.Handle(registryv1connect.NewRegistryServiceHandler(s))
	server := httptest.NewUnstartedServer(mux)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	s.address = strings.TrimPrefix(server.URL, "http://")
	return s
}

// bench runs the verb against the server, for 200 requests unless the arguments say otherwise.
func (s *benchServer) bench(t *testing.T, args string) outcome {
	t.Helper()
	if !strings.Contains(args, "-d ") && !strings.Contains(args, "-n ") {
		args += " -n 200"
	}
	return sepalCommand(t, "", strings.Fields("bench --warmup 0s -s "+s.address+" "+args)...)
}

// TestBenchServer drives a real server in every protocol.
func TestBenchServer(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	for _, args := range []string{
		"--protocol grpc", "--protocol grpcweb", "--protocol connect", "--protocol json", "--protocol json --http 2",
		"--model loan", "--model iris --model-version v1.0.0 --csv $TESTDATA/datasets/iris.csv",
		"--call batch --batch-rows 20", "--call batch --batch-rows 20 --model loan --protocol json",
		"--call batch --batch-rows 20 --matrix", "--call batch-stream --batch-rows 20 --matrix --protocol json", "--call batch-stream --protocol grpcweb",
		"--call stream", "--call stream --in-flight 8 --protocol connect", "--call stream --rate 20000 --connections 2",
		"--rate 20000 --arrivals poisson --in-flight 16",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			got := sepalCommand(t, "", strings.Fields("bench -n 200 --warmup 0s -s "+env.Address+" "+args)...)
			if got.code != exitOK || got.stderr != "" || !regexp.MustCompile(`(?m)^ +requests +200 `).MatchString(got.stdout) {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestBenchObjectives(t *testing.T) {
	t.Parallel()
	some := func(n int64, _ *predictionv1.PredictRequest) error {
		if n%50 == 0 {
			return connect.NewError(connect.CodeResourceExhausted, errors.New("slow\x1b[31m down"))
		}
		return nil
	}
	all := func(int64, *predictionv1.PredictRequest) error { return errors.New("broken") }
	tests := []struct {
		name   string
		answer func(int64, *predictionv1.PredictRequest) error
		args   string
		code   int
		stderr string
	}{
		{name: "met", args: "--max-p99 1h", code: exitOK},
		{name: "slow", args: "--max-p99 1ns", code: exitFailure, stderr: "99 % of the requests were answered within T, expected within 1ns (--max-p99)"},
		{name: "errors", answer: some, code: exitFailure, stderr: "4 requests failed, expected none (--max-errors)"},
		{name: "errors allowed", answer: some, args: "--max-errors 4", code: exitOK},
		{name: "more errors than allowed", answer: some, args: "--max-errors 3", code: exitFailure, stderr: "4 requests failed, expected at most 3 in all (--max-errors)"},
		// Errors are answers that never came.
		{name: "errors against time", answer: some, args: "--max-errors 4 --max-p99 1h", code: exitFailure,
			stderr: "fewer than 99 % of the requests were answered, expected that many within 1h0m0s (--max-p99)"},
		{name: "all", answer: all, args: "--max-p99 1h -n 20", code: exitFailure,
			stderr: "20 requests failed, expected none (--max-errors); fewer than 99 % of the requests were answered, expected that many within 1h0m0s (--max-p99)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := (&benchServer{answer: test.answer}).start(t).bench(t, test.args)
			want := test.stderr
			if want != "" {
				want = "sepal: " + want + "\n"
			}
			stderr := regexp.MustCompile(`within [\d.]+ [µm]?s,`).ReplaceAllString(got.stderr, "within T,")
			if got.code != test.code || stderr != want || strings.Contains(got.stdout, "\x1b") {
				t.Errorf("got %v, expected exit %d and %q", got, test.code, want)
			}
		})
	}
}

func TestBenchSendsTheRowsOfTheFile(t *testing.T) {
	t.Parallel()
	var wrong atomic.Int64
	s := (&benchServer{answer: func(_ int64, r *predictionv1.PredictRequest) error {
		numbers := len(r.GetFeatures()) == 2 && r.GetFeatures()[0] == 2.5 && r.GetFeatures()[1] == 1
		missing := r.GetInputs().GetFields()["weight"].GetNumberValue() == 3 && r.GetInputs().GetFields()["fur"].GetStringValue() == ""
		if !numbers && !missing || r.GetModel() != "" || r.GetVersion() != "" {
			wrong.Add(1)
		}
		return nil
	}}).start(t)
	file := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(file, []byte("fur,id,weight\nlong,a,2.5\nNA,b,3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := s.bench(t, "--csv "+file); got.code != exitOK || wrong.Load() != 0 || s.requests.Load() != 200 {
		t.Errorf("%d of %d rows are none of the file: %v", wrong.Load(), s.requests.Load(), got)
	}
	got := s.bench(t, "--call batch --matrix --csv "+file)
	if want := "sepal: " + file + ":3: expected a number or a known category for each feature: a matrix has no missing values\n"; got.stderr != want || got.code != exitFailure {
		t.Errorf("got %v", got)
	}
}

// TestBenchOfSeveralVersions has a rollout divide the requests.
func TestBenchOfSeveralVersions(t *testing.T) {
	t.Parallel()
	s := (&benchServer{canary: true}).start(t)
	got := s.bench(t, "")
	requireParts(t, got.stdout, "HTTP/2: pet v1.2.3, v1.3.0 at ", "\nanswered by\n", "v1.2.3  stable  150  75.00 %\n", "v1.3.0  canary   50  25.00 %\n")
	var d benchDocument
	if err := json.Unmarshal([]byte(s.bench(t, "--json -").stdout), &d); err != nil {
		t.Fatal(err)
	}
	want := []benchSource{{"v1.2.3", "stable", 150}, {"v1.3.0", "canary", 50}}
	if diff := cmp.Diff(want, d.AnsweredBy); diff != "" || d.Settings.ModelVersion != "" || d.Settings.ModelDigest != "" {
		t.Errorf("settings %+v, answers (-want +got):\n%s", d.Settings, diff)
	}
}

func TestBenchRefused(t *testing.T) {
	t.Parallel()
	s := new(benchServer).start(t)
	missing := filepath.Join(t.TempDir(), "none", "file")
	for args, want := range map[string]string{
		"--model rose":               "sepal: there is no model rose",
		"--csv " + missing:           "no such file",
		"--json " + missing:          "cannot write to the folder of " + missing,
		"--plot " + missing + ".svg": "cannot write to the folder of " + missing,
		"-s 127.0.0.1:1":             "sepal: server 127.0.0.1:1 cannot be reached",
		"-s localhost.invalid:1":     "sepal: server localhost.invalid:1 cannot be reached",
	} {
		if got := s.bench(t, args); got.code != exitFailure || got.stdout != "" || !strings.Contains(got.stderr, want) || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%s: got %v", args, got)
		}
	}
	if n := s.requests.Load(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// figure is a number of a document, but for those of settings.
var figure = regexp.MustCompile(`("(?:elapsed_ms|answered|connections|per_second|classified|sent|received|count|min|mean|max|value|cores|procs|requests|found|time|version|commit|go|os|arch|server)": )("[^"]*"|[\d.e+-]+)`)

// TestBenchJSON compares the document with one of which the figures are left out.
func TestBenchJSON(t *testing.T) {
	t.Parallel()
	const want = `{
  "time": *,
  "sepal": {
    "version": *,
    "go": *,
    "os": *,
    "arch": *
  },
  "machine": {
    "os": *,
    "arch": *,
    "cores": *,
    "procs": *
  },
  "settings": {
    "server": *,
    "model": "pet",
    "model_version": "v1.2.3",
    "model_digest": "abc",
    "protocol": "connect",
    "http": 1,
    "call": "predict",
    "loop": "open",
    "rate": 20000,
    "arrivals": "poisson",
    "in_flight": 50,
    "connections": *,
    "count": *,
    "warmup_ms": 0,
    "timeout_ms": 10000,
    "seed": 3
  },
  "interrupted": false,
  "elapsed_ms": *,
  "connections": *,
  "requests": {
    "answered": *,
    "failed": 1,
    "unsent": 0,
    "abandoned": 0,
    "per_second": *
  },
  "answered_by": [
    {
      "model_version": "v1.2.3",
      "variant": "stable",
      "requests": *
    }
  ],
  "rows": {
    "classified": *,
    "refused": 0,
    "per_second": *
  },
  "bytes": {
    "sent": *,
    "received": *
  },
  "warmup": {
    "requests": *,
    "failed": 0
  },
  "errors": [
    {
      "code": "aborted",
      "requests": *,
      "rows": 0,
      "example": "never mind"
    }
  ],
  "latency_ms": TIMES,
  "send_lag_ms": TIMES,
  "objectives": [
    {
      "name": "max-errors",
      "limit": "1",
      "found": *,
      "met": true
    },
    {
      "name": "max-p99",
      "limit": "1h0m0s",
      "found": *,
      "met": true
    }
  ]
}
`
	var percentiles []string
	for _, p := range strings.Fields("1 5 10 25 50 75 90 95 99 99.9 99.99 99.999") {
		percentiles = append(percentiles, "\n      {\n        \"percentile\": "+p+",\n        \"value\": *\n      }")
	}
	times := "{\n    \"count\": *,\n    \"min\": *,\n    \"mean\": *,\n    \"max\": *,\n    \"percentiles\": [" +
		strings.Join(percentiles, ",") + "\n    ]\n  }"
	s := (&benchServer{answer: func(n int64, _ *predictionv1.PredictRequest) error {
		if n == 7 {
			return connect.NewError(connect.CodeAborted, errors.New("never mind"))
		}
		return nil
	}}).start(t)
	got := s.bench(t, "--json - --protocol connect --rate 20000 --arrivals poisson --in-flight 50 --seed 3 --max-errors 1 --max-p99 1h")
	masked := figure.ReplaceAllString(got.stdout, "$1*")
	masked = regexp.MustCompile(`\n    "commit": \*,`).ReplaceAllString(masked, "")
	if diff := cmp.Diff(strings.ReplaceAll(want, "TIMES", times), masked); diff != "" || got.code != exitOK {
		t.Errorf("-want +got:\n%s\n%v", diff, got.stderr)
	}
	var d benchDocument
	if err := json.Unmarshal([]byte(got.stdout), &d); err != nil {
		t.Fatal(err)
	}
	if d.Requests.Answered != 199 || d.LatencyMS.Count != 199 || d.SendLagMS.Count != 200 || d.Rows.Classified != 199 || d.Errors[0].Requests != 1 ||
		d.LatencyMS.Min <= 0 || d.LatencyMS.Max < d.LatencyMS.Mean || d.ElapsedMS <= 0 || d.Settings.Server != s.address || d.Settings.Count != 200 || d.Time.IsZero() {
		t.Errorf("got %+v", d)
	}
}

func TestBenchFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	svg, document := filepath.Join(folder, "latency.svg"), filepath.Join(folder, "results.json")
	got := new(benchServer).start(t).bench(t, "--plot "+svg+" --json "+document)
	if got.code != exitOK || !strings.HasPrefix(got.stdout, "Predict by gRPC over HTTP/2: pet v1.2.3 at ") {
		t.Fatalf("got %v", got)
	}
	data, err := os.ReadFile(document)
	if err != nil || !json.Valid(data) {
		t.Errorf("the document is %q, %v", data, err)
	}
	if data, err = os.ReadFile(svg); err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(bytes.NewReader(data))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the plot is not well-formed: %v", err)
		}
	}
	if !bytes.Contains(data, []byte("<title id=\"title\">Predict by gRPC over HTTP/2: pet v1.2.3 at ")) {
		t.Errorf("the plot is\n%s", data)
	}
}

// TestInterruptedBench shows what was measured before the signal, whatever the objectives.
func TestInterruptedBench(t *testing.T) {
	t.Parallel()
	for signal, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		s := (&benchServer{answer: func(n int64, _ *predictionv1.PredictRequest) error {
			switch {
			case n == 5:
				return errors.New("broken")
			case n > 20:
				cancel(signalled{signal})
			}
			return nil
		}}).start(t)
		var stdout, stderr bytes.Buffer
		got := run(ctx, strings.Fields("bench -d 1h --warmup 0s --concurrency 1 -s "+s.address), strings.NewReader(""), &stdout, &stderr)
		if got != code || stderr.String() != "sepal: interrupted\n" || !strings.Contains(stdout.String(), "The run was cut short") ||
			!strings.Contains(stdout.String(), "unknown: 1 request, such as: broken") {
			t.Errorf("exit %d, stderr %q, stdout\n%s", got, stderr.String(), stdout.String())
		}
	}
}

// TestBenchEnvironment cannot run beside other tests: they all have the same variables.
func TestBenchEnvironment(t *testing.T) {
	s := new(benchServer).start(t)
	for name, value := range map[string]string{
		"SEPAL_SERVER": s.address, "SEPAL_BENCH_RATE": "20000", "SEPAL_BENCH_WARMUP": "0s", "SEPAL_BENCH_COUNT": "30", "SEPAL_BENCH_PROTOCOL": "json",
	} {
		t.Setenv(name, value)
	}
	for args, want := range map[string]string{
		"bench":                 "open loop, 20000 requests/s",
		"bench --concurrency 3": "closed loop, 3 in flight",
		"bench -d 1ms":          "over HTTP/1.1: pet",
	} {
		s.requests.Store(0)
		got := sepalCommand(t, "", strings.Fields(args)...)
		if got.code != exitOK || !strings.Contains(got.stdout, want) || (s.requests.Load() == 30) == strings.Contains(args, "-d") {
			t.Errorf("%s: %d requests, got %v", args, s.requests.Load(), got)
		}
	}
}
