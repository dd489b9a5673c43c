package main

import (
	"context"
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/sepal-ml/sepal/services/server"
)

// serveCmd is the verb serve.
type serveCmd struct {
	Host string `env:"HOST" default:"${host}" help:"Address to listen on; 0.0.0.0 is every one of this machine."`
	Port uint16 `env:"PORT" default:"${port}" help:"Port to listen on; 0 is one that is free."`

	ModelPath    string `env:"MODEL_PATH" placeholder:"PATH" help:"Model file (.binpb, .json, .onnx, .pkl, .joblib), folder laid out as MODEL/VERSION/model.binpb, or bucket (s3://BUCKET/PREFIX?region=REGION); the built-in iris model by default."`
	ModelVersion string `env:"MODEL_VERSION" placeholder:"VERSION" help:"Version to serve whatever the rollout says; of a single file, the version to call it."`
	DefaultModel string `env:"SEPAL_DEFAULT_MODEL" placeholder:"MODEL" help:"Model that answers when a request names none, where a folder holds several."`

	PollInterval time.Duration `env:"SEPAL_POLL_INTERVAL" default:"${poll_interval}" help:"How often to look at the registry for changes, which a folder of this machine also tells at once; 0s is never."`

	RequestTimeout  time.Duration `env:"SEPAL_REQUEST_TIMEOUT" default:"${request_timeout}" help:"Longest time to send a request, and then to take its answer; 0s is no limit."`
	DrainDelay      time.Duration `env:"SEPAL_DRAIN_DELAY" default:"${drain_delay}" help:"On SIGTERM, how long to serve on as not ready, so that balancers take notice."`
	StopTimeout     time.Duration `env:"SEPAL_STOP_TIMEOUT" default:"${stop_timeout}" help:"When stopping, how long to wait for requests in flight."`
	MaxMessageBytes int           `env:"SEPAL_MAX_MESSAGE_BYTES" default:"${max_message_bytes}" help:"Size of the largest message, uncompressed."`
	MaxBatchRows    int           `env:"SEPAL_MAX_BATCH_ROWS" default:"${max_batch_rows}" help:"Largest number of rows in a batch; a matrix may have a hundred times as many."`
	CORSOrigins     []string      `name:"cors-origins" env:"SEPAL_CORS_ORIGINS" placeholder:"ORIGIN" help:"Origins whose pages may call the server, such as https://app.example.com, * for all; those of this machine by default."`

	identityFlags
	serveLimits
	admissionFlags
	tlsFlags

	LogLevel    string  `env:"SEPAL_LOG_LEVEL" default:"info" enum:"debug,info,warn,error" help:"Least level that is logged: ${enum}."`
	LogSample   float64 `env:"SEPAL_LOG_SAMPLE" default:"${log_sample}" help:"Share of the good requests that are logged, 0 to 1; failed ones always are."`
	LogFormat   string  `env:"SEPAL_LOG_FORMAT" default:"auto" enum:"auto,json,pretty" help:"Form of the log: ${enum}; auto is pretty on a terminal."`
	LogFeatures bool    `env:"SEPAL_LOG_FEATURES" help:"Log the values of a row, which may be personal, with the unsure predictions that are logged: one a second at most."`

	ConfidenceThreshold float64       `env:"SEPAL_CONFIDENCE_THRESHOLD" default:"0.5" help:"Probability of the predicted class below which a prediction counts as unsure, 0 to 1."`
	DriftWindow         time.Duration `env:"SEPAL_DRIFT_WINDOW" default:"1h" help:"How far back the rows reach that are compared with those of training."`
	DriftMinRows        int           `env:"SEPAL_DRIFT_MIN_ROWS" default:"200" help:"Least number of rows that are compared with those of training."`
}

// Help returns what the help of the verb says beside its flags.
func (serveCmd) Help() string {
	return `Examples:
  sepal serve
  PORT=8080 MODEL_PATH=model.binpb sepal serve
  curl -H 'Content-Type: application/json' -d '{"features":[5.1,3.5,1.4,0.2]}' \
    localhost:50051/sepal.prediction.v1.PredictionService/Predict

Ctrl-C stops at once what is idle and waits for requests in flight; SIGTERM first turns the
server not ready and keeps serving for the drain delay. A second signal ends it at once.

Traces go where OTEL_EXPORTER_OTLP_ENDPOINT says, such as http://localhost:4318, or to the log with
OTEL_TRACES_EXPORTER=console; OTEL_TRACES_SAMPLER and the other standard variables of OpenTelemetry
hold. Crash reports go to SENTRY_DSN. Without these variables nothing is sent.`
}

// AfterApply refuses limits under which nothing could be served, and takes an IPv6 address as
// URLs have it.
func (c *serveCmd) AfterApply() error {
	if host, open := strings.CutPrefix(c.Host, "["); open {
		if host, closed := strings.CutSuffix(host, "]"); closed {
			c.Host = host
		}
	}
	switch {
	case !(c.LogSample >= 0 && c.LogSample <= 1):
		return fmt.Errorf("--log-sample is %v, expected 0 (none) to 1 (all)", c.LogSample)
	case !(c.ConfidenceThreshold >= 0 && c.ConfidenceThreshold <= 1):
		return fmt.Errorf("--confidence-threshold is %v, expected 0 (none is unsure) to 1", c.ConfidenceThreshold)
	case c.DriftWindow < time.Minute:
		return fmt.Errorf("--drift-window is %v, expected 1m or more", c.DriftWindow)
	case c.DriftMinRows < 1:
		return fmt.Errorf("--drift-min-rows is %d, expected 1 or more", c.DriftMinRows)
	case c.PollInterval < 0:
		return fmt.Errorf("--poll-interval is %v, expected 0s (never) or more", c.PollInterval)
	case c.RequestTimeout < 0:
		return fmt.Errorf("--request-timeout is %v, expected 0s (no limit) or more", c.RequestTimeout)
	case c.DrainDelay < 0:
		return fmt.Errorf("--drain-delay is %v, expected 0s or more", c.DrainDelay)
	case c.StopTimeout < 0:
		return fmt.Errorf("--stop-timeout is %v, expected 0s or more", c.StopTimeout)
	case c.MaxMessageBytes < 1:
		return fmt.Errorf("--max-message-bytes is %d, expected 1 or more", c.MaxMessageBytes)
	case c.MaxBatchRows < 1:
		return fmt.Errorf("--max-batch-rows is %d, expected 1 or more", c.MaxBatchRows)
	}
	if err := c.admissionFlags.check(); err != nil {
		return err
	}
	if err := c.serveLimits.check(); err != nil {
		return err
	}
	if err := c.identityFlags.check(); err != nil {
		return err
	}
	if err := c.tlsFlags.check(); err != nil {
		return err
	}
	for _, origin := range c.CORSOrigins {
		if u, err := url.Parse(origin); origin != "*" && (err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin) {
			return fmt.Errorf("--cors-origins has %q, expected *, or a scheme and a host as in https://app.example.com", origin)
		}
	}
	return nil
}

// roomBytes is how much of the heap is never used: no memory is behind it, but the collector takes
// it for live, and so lets several times as much garbage gather before it runs than for the
// few megabytes that models and connections need. Unlike a higher GOGC it adds little to a large heap.
const roomBytes = 16 << 20

// Run serves until the process is told to stop.
func (c *serveCmd) Run(p *process) error {
	logger := newLogger(p, c.LogLevel, c.LogFormat)
	o := c.options(logger)
	o.Processors = shareProcessors()
	s, err := server.New(p.ctx, o)
	if err != nil {
		return err
	}
	if err := s.Start(p.ctx); err != nil {
		return err
	}
	room := make([]byte, roomBytes)
	defer runtime.KeepAlive(room)
	select {
	case err := <-s.Failed():
		return err
	case <-p.ctx.Done():
	}
	stopping := context.WithoutCancel(p.ctx)
	// Ctrl-C is someone at a terminal, who need not wait for balancers.
	if signalOf(p.ctx) != syscall.SIGINT {
		s.Drain(stopping)
	}
	// A client that is too slow must not make every deployment look failed.
	if err := s.Stop(stopping); err != nil {
		logger.Warn().Err(err).Msg("stopped")
	}
	return nil
}

func (c *serveCmd) options(logger zerolog.Logger) server.Options {
	o := server.Options{
		Host:                c.Host,
		Port:                c.Port,
		ModelPath:           c.ModelPath,
		ModelVersion:        c.ModelVersion,
		DefaultModel:        c.DefaultModel,
		PollInterval:        c.PollInterval,
		RequestTimeout:      c.RequestTimeout,
		DrainDelay:          c.DrainDelay,
		StopTimeout:         c.StopTimeout,
		MaxMessageBytes:     c.MaxMessageBytes,
		MaxBatchRows:        c.MaxBatchRows,
		CORSOrigins:         c.CORSOrigins,
		Identity:            c.identityFlags.identity(),
		LogSampleRate:       c.LogSample,
		LogFeatures:         c.LogFeatures,
		ConfidenceThreshold: c.ConfidenceThreshold,
		DriftWindow:         c.DriftWindow,
		DriftMinRows:        c.DriftMinRows,
		Telemetry:           true,
		Logger:              logger,
	}
	c.serveLimits.set(&o)
	c.admissionFlags.set(&o)
	c.tlsFlags.set(&o)
	return o
}
