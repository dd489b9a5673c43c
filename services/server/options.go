package server

import (
	"time"

	"github.com/rs/zerolog"
)

// Options set a server up. [DefaultOptions] returns the defaults that the comments name; the
// zero value of a field is taken as it is.
type Options struct {
	// Host is the address to listen on. Default: 127.0.0.1, this machine only.
	Host string
	// Port is the port to listen on. Default: 50051. 0: one that is free, see Server.Addr.
	Port uint16

	// ModelPath is a model file (Sepal's own, ONNX, or a pickle or joblib dump of
	// scikit-learn), or a registry folder laid out as <model>/<version>/model.<extension>.
	// Default: "", the built-in iris model.
	ModelPath string
	// ModelVersion is the version that the default model serves; for a single model file, the
	// version to call it. Default: "", the newest release; for a single file, the one it
	// states.
	ModelVersion string
	// DefaultModel is the model that answers when a request names none. Default: "", the only
	// one; required for a folder with several.
	DefaultModel string

	// RequestTimeout is the longest that a client may take to send a request, and then the
	// longest that the answer to a unary one may take; a client's deadline stands where it is
	// earlier. Default: 30 s. 0: no limit.
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
	// CORSOrigins are the origins, such as "https://app.example.com", whose pages may call
	// the server; "*" is every one. Default: none; pages of the server itself and of this
	// machine (localhost on any port) may.
	CORSOrigins []string

	// Logger gets the server's log. The zero value writes nothing.
	Logger zerolog.Logger
}

// DefaultOptions returns the defaults.
func DefaultOptions() Options {
	return Options{
		Host:            "127.0.0.1",
		Port:            50051,
		RequestTimeout:  30 * time.Second,
		DrainDelay:      3 * time.Second,
		StopTimeout:     10 * time.Second,
		MaxMessageBytes: 4 << 20,
		MaxBatchRows:    10_000,
		Logger:          zerolog.Nop(),
	}
}
