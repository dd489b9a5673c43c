package flood_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/bench/internal/flood"
)

// moody answers every fourth request with an error, and every fourth differently.
type moody struct {
	predictionv1connect.UnimplementedPredictionServiceHandler
	asked, bounded atomic.Uint64
}

func (m *moody) Predict(ctx context.Context, _ *predictionv1.PredictRequest) (*predictionv1.PredictResponse, error) {
	if _, has := ctx.Deadline(); has {
		m.bounded.Add(1)
	}
	switch m.asked.Add(1) % 4 {
	case 0:
		return nil, connect.NewError(connect.CodeResourceExhausted, errors.New("no"))
	case 3:
		return &predictionv1.PredictResponse{Prediction: "another"}, nil
	}
	return &predictionv1.PredictResponse{Prediction: "setosa"}, nil
}

func TestEveryRequestIsAccountedFor(t *testing.T) {
	t.Parallel()
	service := &moody{}
	_, handler := predictionv1connect.NewPredictionServiceHandler(service)
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	body, err := proto.Marshal(&predictionv1.PredictRequest{Features: []float64{1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	record, err := flood.Run(t.Context(), flood.Options{
		Address: strings.TrimPrefix(server.URL, "http://"), Path: predictionv1connect.PredictionServicePredictProcedure, Body: body,
		Connections: 2, Timeout: time.Minute,
		Phases: []flood.Phase{{Rate: 500, Duration: 300 * time.Millisecond}, {Rate: 1000, Duration: 300 * time.Millisecond}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var sum, steps flood.Counts
	for _, p := range record.Phases {
		sum.Due += p.Due
		sum.OK += p.OK
		sum.Wrong += p.Wrong
		sum.Refused += p.Codes["resource_exhausted"]
		sum.Unsent += p.Unsent
		if p.OK != uint64(p.Latency.TotalCount()) {
			t.Errorf("%d are answered, and the time of %d is known", p.OK, p.Latency.TotalCount())
		}
	}
	for _, s := range record.Steps {
		steps.Due += s.Due
		steps.OK += s.OK
	}
	asked := service.asked.Load()
	if sum.Due != sum.OK+sum.Wrong+sum.Refused+sum.Unsent || asked != sum.Due-sum.Unsent || asked < 200 {
		t.Errorf("%+v of %d that the server was asked: the sum is not right", sum, asked)
	}
	if sum.Refused != asked/4 || sum.OK+sum.Wrong != asked-asked/4 || min(sum.OK, sum.Wrong) != (asked+1)/4 {
		t.Errorf("%+v of %d that the server was asked, expected a fourth refused and a fourth to differ", sum, asked)
	}
	if steps.Due != sum.Due || steps.OK != sum.OK {
		t.Errorf("the steps have %d, of which %d are answered, expected %d and %d", steps.Due, steps.OK, sum.Due, sum.OK)
	}
	if service.bounded.Load() != asked {
		t.Errorf("%d of %d had a deadline", service.bounded.Load(), asked)
	}
}
