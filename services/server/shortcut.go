package server

import (
	"context"

	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/internal/h2"
	"github.com/sepal-ml/sepal/services/internal/metrics"
	"github.com/sepal-ml/sepal/services/internal/rpc"
	"github.com/sepal-ml/sepal/services/server/internal/predictionapi"
)

// shortcut returns the short path of Predict, or nil where there is none: where requests are traced, or
// crashes reported, or nothing is counted.
func shortcut(o Options, measures *metrics.Metrics, predictions *predictionapi.Service) h2.Short {
	if o.Unmonitored || o.telemetry.listens() {
		return nil
	}
	counted, _ := measures.Requests.RPC(predictionv1connect.PredictionServicePredictProcedure)
	short := rpc.NewShort(rpc.ShortOptions{
		Options:   rpcOptions(context.Background(), o),
		Path:      predictionv1connect.PredictionServicePredictProcedure,
		Scorer:    predictions.PredictShort,
		RPC:       counted,
		Admission: o.admission,
		Guard:     guardOptions(o),
	})
	if short == nil {
		return nil
	}
	return short
}
