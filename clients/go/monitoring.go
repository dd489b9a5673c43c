package sepal

import (
	"context"

	monitoringv1 "github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1"
)

// GetDriftReport compares the rows that a version has answered lately with those that it was
// trained on: by feature, and the predictions. An empty model is the server's default model; an
// empty version is the stable one, and may be a label. What the report says was counted by the one
// server that answers, since it started.
//
// Too few rows, or a model file without a reference profile, is no error: the state of the report
// says so. It fails with [connect.CodeNotFound] when there is no such model or version, and with
// [connect.CodeFailedPrecondition] when the version could not be loaded.
func (c *Client) GetDriftReport(
	ctx context.Context, model, version string,
) (*monitoringv1.GetDriftReportResponse, error) {
	req := &monitoringv1.GetDriftReportRequest{Model: model, Version: version}
	return invoke(ctx, c, c.monitoring.GetDriftReport, req)
}

// GetActivity says how many requests the server has answered over the last minutes, how fast, and
// how sure the predictions were. Its versions are those of the model, or of all models where model
// is empty. It fails with [connect.CodeNotFound] when there is no such model.
func (c *Client) GetActivity(ctx context.Context, model string) (*monitoringv1.GetActivityResponse, error) {
	return invoke(ctx, c, c.monitoring.GetActivity, &monitoringv1.GetActivityRequest{Model: model})
}
