package server

import (
	"net/netip"
	"time"

	"github.com/rs/zerolog"

	"github.com/sepal-ml/sepal/services/internal/doors"
	"github.com/sepal-ml/sepal/services/internal/identity"
	"github.com/sepal-ml/sepal/services/internal/metrics"
	"github.com/sepal-ml/sepal/services/internal/ratelimit"
	"github.com/sepal-ml/sepal/services/internal/rpc"
)

// Options set a server up. [DefaultOptions] returns the defaults that the comments name; the
// zero value of a field is taken as it is.
type Options struct {
	// Host is the address to listen on. Default: 127.0.0.1, this machine only.
	Host string
	// Port is the port to listen on. Default: 50051. 0: one that is free, see Server.Addr.
	Port uint16

	// ModelPath is a model file (Sepal's own, ONNX, or a pickle or joblib dump of
	// scikit-learn), or a registry: a folder laid out as <model>/<version>/model.<extension>, or
	// as <version>/model.<extension> for one model, or a bucket such as s3://bucket/prefix.
	// Default: "", the built-in iris model.
	ModelPath string
	// ModelVersion is the version that the default model serves, whatever its rollout says; for
	// a single model file, the version to call it. Default: "", what the rollout says, or the
	// newest release where nobody set one; for a single file, the version that it states.
	ModelVersion string
	// DefaultModel is the model that answers when a request names none. Default: "", the only
	// one; required for a folder with several.
	DefaultModel string

	// PollInterval is how often the registry is looked at for changes. A folder on this machine
	// also tells at once. Default: 2 s. 0: only when it tells.
	PollInterval time.Duration
	// Repair serves a registry from which nothing could be answered, so that it can be looked at
	// and mended. Default: false, New fails.
	Repair bool

	// RequestTimeout is the longest that a client may take to send a request, then the longest
	// that the answer to a unary one may take until it is ready, and with a second more until the
	// client has taken it; of a stream's answers to one request, the longest that each may take to
	// be taken. Over HTTP/2 it is also how long a connection may take nothing that is there for it.
	// A client's deadline stands where it is earlier. Default: 30 s. 0: no limit.
	RequestTimeout time.Duration
	// DrainDelay is how long Drain keeps serving after the server has turned not ready, so
	// that balancers take notice. Default: 3 s.
	DrainDelay time.Duration
	// StopTimeout is how long Stop waits for requests in flight. Default: 10 s.
	StopTimeout time.Duration

	// MaxMessageBytes is the size of the largest request message, uncompressed. Default: 4 MiB.
	MaxMessageBytes int
	// MaxBatchRows is the largest number of rows of a BatchPredict. Default: 10000.
	MaxBatchRows int
	// MaxInFlight is how much of predictions may be worked on at the same time: each request counts
	// as 1 and so do 2 KiB of it, some 64 rows of four numbers. The rest waits, first come, first served. Health, metrics, the
	// registry and monitoring never do. Default: 0, 64 for each processor.
	MaxInFlight int
	// Processors is how many there are to answer with, 0 for GOMAXPROCS.
	Processors int
	// MaxQueueTime is how long a prediction may wait, for that or for a processor. What would wait
	// longer while a queue stands is refused with RESOURCE_EXHAUSTED; so is what would wait longer than
	// two fifths of the time that clients give, though not below 40 ms. Default: 250 ms. 0: as long as its
	// deadline.
	MaxQueueTime time.Duration
	// CORSOrigins are the origins, such as "https://app.example.com", whose pages may call
	// the server; "*" is every one. Default: none; pages of the server itself and of this
	// machine (localhost on any port) may.
	CORSOrigins []string

	// TLSCert and TLSKey are files, in PEM: the certificate, with those between it and the
	// authority's, and its private key. The port speaks TLS then, and nothing else. The files are
	// read again when they change, and open connections go on. Default: "", clear text; both or
	// none.
	TLSCert, TLSKey string
	// TLSClientCA is a file of certificates, in PEM: the authorities whose clients are known by
	// theirs. A client need not show one. Default: "", no client is asked.
	TLSClientCA string
	// TLSMinVersion is the earliest version of TLS that is spoken, "1.2" or "1.3". Default: "1.3",
	// which "" stands for too.
	TLSMinVersion string
	// HTTP2 is whose server of HTTP/2 takes the connections: [doors.Native], or [doors.NetHTTP],
	// that of net/http. Default: native.
	HTTP2 string
	// MaxStreams is how many requests an HTTP/2 connection may have in flight; a client keeps the rest
	// back. Default: 100. 0: that of the server of HTTP/2.
	MaxStreams int
	// MaxConnections is how many connections may be open, as far as the process may have as many
	// descriptors; more are closed at once. Default: 10000. 0: as many as the descriptors.
	MaxConnections int

	// Identity says whom callers are taken for, and so what they may do: each RPC needs the scope
	// that the contract states. Default: callers need not say who they are; all may ask, and changes
	// are taken from this machine only.
	Identity identity.Options
	// RateLimit is how many requests one caller may make: who is known by name, or else who has one
	// address; an IPv6 network of 64 bits is one. Each row of a batch and each message of a stream counts
	// as one. Health and metrics are not limited. Default: none.
	RateLimit ratelimit.Limit
	// TrustedProxies are those whose X-Forwarded-For says which address a request came from.
	// Default: none, the peer's address counts.
	TrustedProxies []netip.Prefix

	// Logger gets the server's log. The zero value writes nothing.
	Logger zerolog.Logger
	// LogSampleRate is the share of requests that went well, 0 to 1, that are logged at level
	// info, drawn by lot; at level debug all are logged, and those that failed always are.
	// Default: 0, none.
	LogSampleRate float64
	// LogFeatures writes the values of the row with each unsure prediction that is logged; at most
	// one is in a second. They may be personal. Default: false, they are left out.
	LogFeatures bool

	// ConfidenceThreshold is the probability of the predicted class below which a prediction counts
	// as unsure, 0 to 1. Default: 0.5. 0: none does.
	ConfidenceThreshold float64
	// DriftWindow is how far back the rows reach that are compared with those of training.
	// Default: 1 h, which 0 stands for too.
	DriftWindow time.Duration
	// DriftMinRows is the number of rows that are compared at least. Default: 200, which 0 stands
	// for too.
	DriftMinRows int

	// Telemetry sends traces and crash reports where the environment of the process says:
	// OTEL_EXPORTER_OTLP_ENDPOINT and the other variables of OpenTelemetry for traces, SENTRY_DSN,
	// SENTRY_ENVIRONMENT and SENTRY_RELEASE for crash reports. A value that cannot be read is
	// warned of and counts as not set. Default: false, nothing is sent.
	Telemetry bool
	// Unmonitored leaves out all that watches requests, but for the log: they are neither counted
	// nor traced, and no drift is seen. It is for benchmarks of what watching costs. Default: false.
	Unmonitored bool

	telemetry telemetry      // set by New
	access    access         // set by New
	admission *rpc.Admission // set by New; nil: all is admitted
	sockets   *sockets       // set by New
	gate      *gate          // set by New
	loads     *metrics.Loads // set when the models are opened
}

// DefaultOptions returns the defaults.
func DefaultOptions() Options {
	return Options{
		Host:            "127.0.0.1",
		Port:            50051,
		PollInterval:    2 * time.Second,
		RequestTimeout:  30 * time.Second,
		DrainDelay:      3 * time.Second,
		StopTimeout:     10 * time.Second,
		MaxMessageBytes: 4 << 20,
		MaxBatchRows:    10_000,
		MaxQueueTime:    250 * time.Millisecond,
		TLSMinVersion:   "1.3",
		HTTP2:           doors.Native,
		MaxStreams:      100,
		MaxConnections:  10_000,

		ConfidenceThreshold: 0.5,
		DriftWindow:         time.Hour,
		DriftMinRows:        200,

		Logger: zerolog.Nop(),
	}
}
