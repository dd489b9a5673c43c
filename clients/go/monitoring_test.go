package sepal

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	monitoringv1 "github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1/monitoringv1connect"
)

// fakeMonitoring answers each request with what it asks for.
type fakeMonitoring struct {
	// fail decides what becomes of the n-th call (from 1); nil lets all pass.
	fail  func(n int) error
	calls atomic.Int64
}

var _ monitoringv1connect.MonitoringServiceHandler = (*fakeMonitoring)(nil)

func (f *fakeMonitoring) admit() error {
	n := int(f.calls.Add(1))
	if f.fail == nil {
		return nil
	}
	return f.fail(n)
}

func (f *fakeMonitoring) GetDriftReport(
	_ context.Context, req *monitoringv1.GetDriftReportRequest,
) (*monitoringv1.GetDriftReportResponse, error) {
	return &monitoringv1.GetDriftReportResponse{
		Report: &monitoringv1.DriftReport{Model: req.GetModel(), Version: req.GetVersion(), Rows: 200},
	}, f.admit()
}

func (f *fakeMonitoring) GetActivity(
	_ context.Context, req *monitoringv1.GetActivityRequest,
) (*monitoringv1.GetActivityResponse, error) {
	return &monitoringv1.GetActivityResponse{Activity: &monitoringv1.Activity{
		InFlight: 1, Versions: []*monitoringv1.VersionActivity{{Model: req.GetModel()}},
	}}, f.admit()
}

func serveMonitoring(t *testing.T, f *fakeMonitoring) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(monitoringv1connect.NewMonitoringServiceHandler(f))
	return serve(t, mux).URL
}

func TestMonitoringCalls(t *testing.T) {
	t.Parallel()
	for _, wire := range wires {
		t.Run(wire.name, func(t *testing.T) {
			t.Parallel()
			client := dial(t, serveMonitoring(t, new(fakeMonitoring)), wire.options...)
			drift, err := client.GetDriftReport(t.Context(), "length", "v1.0.0")
			if r := drift.GetReport(); err != nil || r.GetModel() != "length" || r.GetVersion() != "v1.0.0" || r.GetRows() != 200 {
				t.Errorf("GetDriftReport: got %v, %v", r, err)
			}
			activity, err := client.GetActivity(t.Context(), "length")
			if a := activity.GetActivity(); err != nil || a.GetInFlight() != 1 || a.GetVersions()[0].GetModel() != "length" {
				t.Errorf("GetActivity: got %v, %v", a, err)
			}
		})
	}
}

func TestMonitoringIsRetried(t *testing.T) {
	t.Parallel()
	monitoring := &fakeMonitoring{fail: func(n int) error {
		if n%2 == 1 {
			return refusal(connect.CodeUnavailable, "is starting")
		}
		return nil
	}}
	client := dial(t, serveMonitoring(t, monitoring), WithRetry(RetryPolicy{InitialBackoff: time.Nanosecond}))
	if _, err := client.GetDriftReport(t.Context(), "", ""); err != nil {
		t.Error(err)
	}
	if _, err := client.GetActivity(t.Context(), ""); err != nil {
		t.Error(err)
	}
	if n := monitoring.calls.Load(); n != 4 {
		t.Errorf("%d calls arrived, expected 4: each twice", n)
	}
}

func TestMonitoringErrors(t *testing.T) {
	t.Parallel()
	monitoring := &fakeMonitoring{fail: func(int) error {
		return refusal(connect.CodeNotFound, `there is no model "rose"; there is: length`)
	}}
	client := dial(t, serveMonitoring(t, monitoring))
	_, err := client.GetDriftReport(t.Context(), "rose", "")
	if failure := asError(t, err); failure.Code != connect.CodeNotFound || failure.RequestID != "req-7" || failure.Attempts != 1 {
		t.Errorf("GetDriftReport: got %+v", failure)
	}
	_, err = client.GetActivity(t.Context(), "rose")
	if failure := asError(t, err); failure.Code != connect.CodeNotFound {
		t.Errorf("GetActivity: got %+v", failure)
	}
}
