package sepal

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"connectrpc.com/connect"

	"github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1/monitoringv1connect"
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/registry/v1/registryv1connect"
)

// A Client calls one Sepal server, or any number of them behind one address. Make one with
// [Dial] and keep it: it reuses its connections. All methods may be called concurrently.
//
// Every error of a call is an [*Error].
type Client struct {
	prediction predictionv1connect.PredictionServiceClient
	streams    predictionv1connect.PredictionServiceClient // of messages without a known end
	registry   registryv1connect.RegistryServiceClient
	monitoring monitoringv1connect.MonitoringServiceClient
	timeout    time.Duration
	retries    retrier
	own        *http.Client // nil when WithHTTPClient gave one
}

// Dial returns a client of the server at target: "host:port" for clear text, such as
// "localhost:50051" or "[::1]:50051", or a URL that begins with http:// (clear text) or
// https:// (TLS), whose path, if any, is put before that of each call.
//
// It fails when the target or an option makes no sense. It does not connect: the first call
// does, so that a server which is not there yet is that call's [connect.CodeUnavailable].
func Dial(target string, opts ...Option) (*Client, error) {
	address, err := parseTarget(target)
	if err != nil {
		return nil, err
	}
	s := defaults()
	for _, opt := range opts {
		if opt != nil {
			opt(&s)
		}
	}
	if err := s.check(address); err != nil {
		return nil, err
	}
	client := &Client{
		timeout: s.timeout,
		retries: retrier{policy: s.retry.withDefaults(), random: rand.Float64},
	}
	if s.tlsFiles.set() {
		if s.tls, err = s.tlsFiles.load(); err != nil {
			return nil, fmt.Errorf("sepal: WithTLSFiles: %w", err)
		}
	}
	httpClient := s.httpClient
	if httpClient == nil {
		client.own = newHTTPClient(s.protocol, address.Scheme, s.tls)
		httpClient = client.own
	}
	httpClient = s.sender(httpClient)
	base, rpc := address.String(), connect.WithClientOptions(s.rpcOptions()...)
	client.prediction = predictionv1connect.NewPredictionServiceClient(httpClient, base, rpc)
	client.streams = predictionv1connect.NewPredictionServiceClient(httpClient, base, rpc,
		connect.WithSendMaxBytes(s.maxMessageBytes))
	client.registry = registryv1connect.NewRegistryServiceClient(httpClient, base, rpc)
	client.monitoring = monitoringv1connect.NewMonitoringServiceClient(httpClient, base, rpc)
	return client, nil
}

// Health says whether the server is ready and what it serves by default. A server that is
// stopping still answers, with the status "draining".
func (c *Client) Health(ctx context.Context) (*predictionv1.HealthResponse, error) {
	return invoke(ctx, c, c.prediction.Health, &predictionv1.HealthRequest{})
}

// Predict classifies one row; [Features] and [Inputs] make requests. It fails with
// [connect.CodeInvalidArgument], naming the values refused, when the row does not fit the
// model's signature, and with [connect.CodeNotFound] when there is no such model or version.
func (c *Client) Predict(
	ctx context.Context, req *predictionv1.PredictRequest,
) (*predictionv1.PredictResponse, error) {
	return invoke(ctx, c, c.prediction.Predict, req)
}

// BatchPredict classifies many rows with one version of one model. A row that does not fit
// fails alone: look at each result's error. The call as a whole fails as Predict does, and
// with [connect.CodeInvalidArgument] when there is no row or more than the server's limit.
func (c *Client) BatchPredict(
	ctx context.Context, req *predictionv1.BatchPredictRequest,
) (*predictionv1.BatchPredictResponse, error) {
	return invoke(ctx, c, c.prediction.BatchPredict, req)
}

// GetVersion describes a version of a model: its features, its classes and how it was
// trained. An empty model is the server's default model, an empty version the one that the
// server serves by default. It fails with [connect.CodeNotFound] when there is none such.
func (c *Client) GetVersion(
	ctx context.Context, model, version string,
) (*registryv1.GetVersionResponse, error) {
	req := &registryv1.GetVersionRequest{Model: model, Version: version}
	return invoke(ctx, c, c.registry.GetVersion, req)
}

// Close closes the connections that no call is using. Call it when done with the client. It
// waits for nothing and cancels nothing; a call made afterwards connects anew. An HTTP client
// given with [WithHTTPClient] is left alone.
func (c *Client) Close() {
	if c.own != nil {
		c.own.CloseIdleConnections()
	}
}

// invoke makes one call: the deadline spans all its attempts.
func invoke[Req, Res any](
	ctx context.Context, c *Client, call func(context.Context, *Req) (*Res, error), req *Req,
) (*Res, error) {
	if _, bounded := ctx.Deadline(); !bounded && c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	var res *Res
	err := c.retries.run(ctx, func(ctx context.Context) (err error) {
		res, err = call(ctx, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}
