package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"

	sepal "github.com/sepal-ml/sepal/clients/go"
	monitoringv1 "github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1/monitoringv1connect"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// fakeMonitoring answers the n-th call (from 1) with what reports says.
type fakeMonitoring struct {
	monitoringv1connect.UnimplementedMonitoringServiceHandler
	report func(n int64, req *monitoringv1.GetDriftReportRequest) (*monitoringv1.DriftReport, error)
	calls  atomic.Int64
}

func (f *fakeMonitoring) GetDriftReport(
	_ context.Context, req *monitoringv1.GetDriftReportRequest,
) (*monitoringv1.GetDriftReportResponse, error) {
	report, err := f.report(f.calls.Add(1), req)
	return &monitoringv1.GetDriftReportResponse{Report: report}, err
}

// serveMonitoring returns the address of a server that only monitors.
func serveMonitoring(t *testing.T, f *fakeMonitoring) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(monitoringv1connect.NewMonitoringServiceHandler(f))
	s := httptest.NewUnstartedServer(mux)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestDriftAsksForTheVersionNamed(t *testing.T) {
	t.Parallel()
	address := serveMonitoring(t, &fakeMonitoring{report: func(_ int64, req *monitoringv1.GetDriftReportRequest) (*monitoringv1.DriftReport, error) {
		return &monitoringv1.DriftReport{
			Model: req.GetModel(), Version: req.GetVersion(), Rows: 7, RowsNeeded: 200,
			State: monitoringv1.DriftState_DRIFT_STATE_NOT_ENOUGH_DATA,
		}, nil
	}})
	got := sepalCommand(t, "", "drift", "-s", address, "--model", "rose", "--model-version", "champion")
	requireParts(t, got.String(), "rose champion\n", "not enough data: 7 rows, 200 needed\n", "exit 0\n")
}

func TestDriftOfAServerThatRefuses(t *testing.T) {
	t.Parallel()
	address := serveMonitoring(t, &fakeMonitoring{report: func(int64, *monitoringv1.GetDriftReportRequest) (*monitoringv1.DriftReport, error) {
		return nil, connect.NewError(connect.CodeNotFound, errors.New(`there is no model "rose"; there is: iris`))
	}})
	got := sepalCommand(t, "", "drift", "-s", address, "--model", "rose").String()
	if want := "! sepal: there is no model \"rose\"; there is: iris\nexit 1\n"; got != want {
		t.Errorf("got %q, expected %q", got, want)
	}
}

// TestDriftOfHostileNames: names come from a server, and must not command the terminal.
func TestDriftOfHostileNames(t *testing.T) {
	t.Parallel()
	const name = "a\x1b[2Jb"
	report := &monitoringv1.DriftReport{
		Model: name, Version: name, Rows: 1, State: monitoringv1.DriftState_DRIFT_STATE_DRIFTED,
		Features: []*monitoringv1.FeatureDrift{{Feature: name, State: monitoringv1.DriftState_DRIFT_STATE_DRIFTED}},
		Predictions: &monitoringv1.PredictionDrift{
			Classes: []string{name, "c"}, Shares: []float64{1}, State: monitoringv1.DriftState(99),
		},
	}
	address := serveMonitoring(t, &fakeMonitoring{report: func(int64, *monitoringv1.GetDriftReportRequest) (*monitoringv1.DriftReport, error) {
		return report, nil
	}})
	got := sepalCommand(t, "", "drift", "-s", address)
	requireParts(t, got.stdout, `"a\x1b[2Jb"`, "unknown")
	if got.code != exitDrifted || strings.Contains(got.String(), "\x1b") {
		t.Errorf("got %q", got)
	}
}

// TestDriftOfAFeatureThatGoesMissing: the index of its values says nothing of it.
func TestDriftOfAFeatureThatGoesMissing(t *testing.T) {
	t.Parallel()
	report := func(rows uint64, missing float64) outcome {
		address := serveMonitoring(t, &fakeMonitoring{report: func(int64, *monitoringv1.GetDriftReportRequest) (*monitoringv1.DriftReport, error) {
			return &monitoringv1.DriftReport{
				Model: "iris", Version: "v1.0.0", Rows: rows, RowsNeeded: 200, State: monitoringv1.DriftState_DRIFT_STATE_STABLE,
				Features: []*monitoringv1.FeatureDrift{
					{Feature: "width", State: monitoringv1.DriftState_DRIFT_STATE_NOT_ENOUGH_DATA, MissingShare: missing, ReferenceMissingShare: 0.125},
					{Feature: "height", State: monitoringv1.DriftState_DRIFT_STATE_NO_REFERENCE, MissingShare: 1},
				},
			}, nil
		}})
		return sepalCommand(t, "", "drift", "-s", address)
	}
	got := report(200, 1)
	requireParts(t, got.stdout, "state    stable\nmissing  width in 100 % of the rows (12.5 %)\n")
	if want := "sepal: iris v1.0.0: missing: width in 100 % of the rows (12.5 %)\n"; got.code != exitDrifted || got.stderr != want {
		t.Errorf("got %v, expected %q", got, want)
	}
	for _, got := range []outcome{report(199, 1), report(200, 0.25)} {
		if got.code != exitOK || strings.Contains(got.stdout, "\nmissing") {
			t.Errorf("got %v", got)
		}
	}
}

// TestDriftWatch interrupts the verb once it has asked often enough.
func TestDriftWatch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, flags string
		want        string
	}{
		{name: "text", want: "model  iris v1.0.1\nstate  stable\nrows   1\n\nmodel  iris v1.0.3\nstate  stable\nrows   3\n"},
		{name: "json", flags: "--json", want: `"version":"v1.0.3"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			fake := new(fakeMonitoring)
			fake.report = func(n int64, _ *monitoringv1.GetDriftReportRequest) (*monitoringv1.DriftReport, error) {
				switch n {
				case 2:
					// What the client tries again, the verb hears of once its attempts are used up.
					return nil, connect.NewError(connect.CodeUnavailable, errors.New("is being replaced"))
				case 4:
					interrupt()
				}
				return &monitoringv1.DriftReport{
					Model: "iris", Version: fmt.Sprint("v1.0.", n), Rows: uint64(n), State: monitoringv1.DriftState_DRIFT_STATE_STABLE,
				}, nil
			}
			var stdout, stderr bytes.Buffer
			args := append(strings.Fields("drift --watch --interval 1ms -s "+serveMonitoring(t, fake)), strings.Fields(test.flags)...)
			code := run(ctx, args, strings.NewReader(""), &stdout, &stderr)
			if code != exitSignal+2 || !strings.Contains(stderr.String(), "interrupted") {
				t.Errorf("exit %d, stderr %q", code, stderr.String())
			}
			requireParts(t, stdout.String(), test.want)
		})
	}
}

// TestDriftWatchOutlivesARestart: a server that has answered once may be away.
func TestDriftWatchOutlivesARestart(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	fake := &fakeMonitoring{report: func(n int64, _ *monitoringv1.GetDriftReportRequest) (*monitoringv1.DriftReport, error) {
		switch n {
		case 1, 3:
			return &monitoringv1.DriftReport{Model: "iris", Version: fmt.Sprint("v1.0.", n)}, nil
		case 2:
			return nil, connect.NewError(connect.CodeUnavailable, errors.New("is being replaced"))
		}
		interrupt()
		return new(monitoringv1.DriftReport), nil
	}}
	address := serveMonitoring(t, fake)
	client, err := sepal.Dial(address, sepal.WithRetry(sepal.RetryPolicy{MaxAttempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var stdout, stderr bytes.Buffer
	c := &driftCmd{Server: address, Interval: 1}
	if err := c.watch(&process{ctx: ctx, stdout: &stdout, stderr: &stderr}, client); err == nil || ctx.Err() == nil {
		t.Errorf("got %v before the interrupt", err)
	}
	requireParts(t, stdout.String(), "v1.0.1", "v1.0.3")
	requireParts(t, stderr.String(), "cannot be reached: is being replaced")
}

func TestDriftOnATerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := new(driftCmd)
	for i, text := range []string{"one\ntwo\n", "three\n"} {
		if err := c.show(&out, text, i == 0, true); err != nil {
			t.Fatal(err)
		}
	}
	if want := "\x1b[H\x1b[2Jone\ntwo\n\x1b[Hthree\x1b[K\n\x1b[J"; out.String() != want {
		t.Errorf("got %q, expected %q", out.String(), want)
	}
}

func TestPSIBar(t *testing.T) {
	t.Parallel()
	for psi, want := range map[float64]string{
		0: "··········", 0.1: "███·······", 0.2: "█████·····", 0.4: "██████████", 99: "██████████", -1: "··········",
	} {
		if got := psiBar(psi); got != want {
			t.Errorf("of %v got %s, expected %s", psi, got, want)
		}
	}
}

// TestDriftOfAServer sends rows to a server, and holds its report against that of the same rows in
// a file.
func TestDriftOfAServer(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	data, err := os.ReadFile(testenv.Testdata("datasets", "iris.csv"))
	if err != nil {
		t.Fatal(err)
	}
	header, rows, _ := strings.Cut(string(data), "\n")
	// The petals of the first rows only: setosa.
	var small []string
	for line := range strings.Lines(rows) {
		if strings.Contains(line, "setosa") {
			small = append(small, line)
		}
	}
	csv := header + "\n" + strings.Repeat(strings.Join(small, ""), 5)
	if got := sepalCommand(t, csv, "predict", "-s", env.Address, "--model", "iris"); got.code != exitOK {
		t.Fatal(got)
	}
	remote := sepalCommand(t, "", strings.Fields("drift --json --model iris -s "+env.Address)...)
	version := reportOf(t, remote).GetVersion()
	local := sepalCommand(t, csv, strings.Fields("drift - --json --model iris -m $TESTDATA/models --model-version "+version)...)
	want, got := reportOf(t, local), reportOf(t, remote)
	if got.GetSince() == nil || got.GetUntil() == nil || got.GetWindow() == nil {
		t.Errorf("the server's report has no times: %v", got)
	}
	got.Since, got.Until, got.Window = nil, nil, nil
	if a, b := protojson.Format(want), protojson.Format(got); a != b {
		t.Errorf("of the file:\n%s\nof the server:\n%s", a, b)
	}
	if got.GetRows() != 250 || remote.code != exitDrifted || local.code != exitDrifted {
		t.Errorf("got %d rows, exit %d and %d", got.GetRows(), remote.code, local.code)
	}
}

func reportOf(t *testing.T, o outcome) *monitoringv1.DriftReport {
	t.Helper()
	report := new(monitoringv1.DriftReport)
	if err := protojson.Unmarshal([]byte(o.stdout), report); err != nil {
		t.Fatalf("%v: %v", err, o)
	}
	return report
}
