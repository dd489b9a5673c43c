package rpc_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/internal/rpc"
)

// retryOf returns what an error says of when to try again: the delay, and Retry-After.
func retryOf(t *testing.T, err error) (delay time.Duration, after string) {
	t.Helper()
	var made *connect.Error
	if !errors.As(err, &made) {
		t.Fatalf("the error is %v, expected one of an RPC", err)
	}
	for _, detail := range made.Details() {
		value, err := detail.Value()
		if err != nil {
			t.Fatal(err)
		}
		if retry, ok := value.(*errdetails.RetryInfo); ok {
			return retry.GetRetryDelay().AsDuration(), made.Meta().Get("Retry-After")
		}
	}
	t.Fatalf("the error %v has no RetryInfo", err)
	return 0, ""
}

func TestExhausted(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]string{
		-time.Second:           "0",
		0:                      "0",
		1:                      "1",
		250 * time.Millisecond: "1",
		time.Second:            "1",
		time.Second + 1:        "2",
		90 * time.Minute:       "5400",
	} {
		err := rpc.Exhausted(wait, "more than 5 in a second")
		if err.Code() != connect.CodeResourceExhausted || err.Message() != "more than 5 in a second" {
			t.Errorf("%v: the error is %v", wait, err)
		}
		if delay, after := retryOf(t, err); delay != max(wait, 0) || after != want {
			t.Errorf("%v: to be tried again after %v and %q s, expected %q s", wait, delay, after, want)
		}
	}
}

// exhausted is a service that refuses what it is asked.
type exhausted struct {
	predictionv1connect.UnimplementedPredictionServiceHandler
}

func (exhausted) Predict(context.Context, *predictionv1.PredictRequest) (*predictionv1.PredictResponse, error) {
	return nil, rpc.Exhausted(1500*time.Millisecond, "too much")
}

func TestEveryProtocolSaysWhenToTryAgain(t *testing.T) {
	t.Parallel()
	_, handler := predictionv1connect.NewPredictionServiceHandler(exhausted{}, rpc.HandlerOptions(rpc.Options{MaxMessageBytes: 1 << 20, MaxRows: 10})...)
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	for name, option := range map[string]connect.ClientOption{
		"connect": connect.WithProtoJSON(), "grpc": connect.WithGRPC(), "grpc-web": connect.WithGRPCWeb(),
	} {
		transport := &http.Transport{Protocols: new(http.Protocols)}
		transport.Protocols.SetUnencryptedHTTP2(true)
		t.Cleanup(transport.CloseIdleConnections)
		client := predictionv1connect.NewPredictionServiceClient(&http.Client{Transport: transport}, server.URL, option)
		_, err := client.Predict(t.Context(), &predictionv1.PredictRequest{})
		if connect.CodeOf(err) != connect.CodeResourceExhausted {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		if delay, after := retryOf(t, err); delay != 1500*time.Millisecond || after != "2" {
			t.Errorf("%s: to be tried again after %v and %q s, expected 1.5 s and 2 s", name, delay, after)
		}
	}
}
