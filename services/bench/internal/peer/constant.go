package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"google.golang.org/protobuf/encoding/protojson"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
)

// constant is a service whose Predict costs nothing.
type constant struct {
	predictionv1connect.UnimplementedPredictionServiceHandler
	answer *predictionv1.PredictResponse
}

func (c constant) Predict(context.Context, *predictionv1.PredictRequest) (*predictionv1.PredictResponse, error) {
	return c.answer, nil
}

// constantJSON returns a handler that answers everything with the JSON of one prediction.
func constantJSON(model *iris) (http.Handler, error) {
	answer, err := model.answer()
	if err != nil {
		return nil, err
	}
	spaced, err := protojson.Marshal(answer)
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	if err := json.Compact(&body, spaced); err != nil {
		return nil, err
	}
	length := strconv.Itoa(body.Len())
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", length)
		// A client that has gone away is all that can go wrong here.
		_, _ = w.Write(body.Bytes())
	}), nil
}
