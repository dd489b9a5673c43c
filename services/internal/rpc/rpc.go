// Package rpc is what every Connect handler of a server shares: the layers around it, the
// shape of errors, the codecs, and the request id.
//
// A connection passes package wire, outermost of all: it reads ahead and joins small writes, so
// that what follows may read and flush as it likes.
//
// A connection of HTTP/2 is served by package h2, or by net/http, whose requests are taken over by a
// goroutine whose stack has grown: see [Grown]. Package h2 asks [Short] first, which answers a unary
// call that is as most are without what follows here.
//
// A request passes the layers in this order:
//
//  1. [RequestID], around the whole HTTP handler, so that every error has an id; within it the
//     server answers pages of other origins that ask whether they may call;
//  2. [Measured], outside all that may refuse an RPC, so that each is counted once, under the code
//     that the client gets;
//  3. [Traced], where requests are traced at all: which ones is settled here, and how each ended is
//     known here;
//  4. [Unheard] and [Timely], so that a request which no RPC hears of has a reason and an
//     end, and a panic outside a handler an answer;
//  5. [Admission.Door], which refuses predictions while there is no time for them, before anything else is
//     done for them;
//  6. [Guard], where callers must say who they are or may not ask as often as they like: within what
//     counts and logs who is refused, and before anything of the body is read;
//  7. [Gather], for the one stream whose messages are answered one by one;
//  8. size limits and decompression, which Connect applies while it reads, where [Moderate] and
//     [Gzip] keep it from reading on in what is by far too large; and the codecs, with their bounds
//     on what a message unfolds to, and on how many large ones are decoded at the same time;
//  9. the error layer, outermost of the interceptors, so that no error of those within, nor a
//     panic, passes it unseen: it settles the code, logs the call, and reports what is the server's
//     own fault;
//  10. the deadline of a unary call, which shortens the client's but never lengthens it; of a
//     stream, those of [Timely] give way to its own;
//  11. the count of the rows of batches, where a request is a message, for the metrics and against the
//     limit on requests;
//  12. the turn of a prediction, which is waited for when its message is there; see package admission;
//  13. the times of a traced call, innermost, where requests are traced at all;
//  14. the handler.
//
// What the layers know of a request stands in one value, which the outermost of them allocates, so
// that a layer costs next to nothing; the server's tests count what all of them allocate.
package rpc

import (
	"context"
	"time"

	"connectrpc.com/connect"
	"github.com/rs/zerolog"

	"github.com/sepal-ml/sepal/services/internal/crash"
	"github.com/sepal-ml/sepal/services/internal/tracing"
)

// compressMinBytes is the size below which a response is not compressed: gzip costs more
// than it saves on a message of a packet or less.
const compressMinBytes = 1024

// maxSendBytes is the size of the largest answer. It is larger than what is read, since a row of
// a few bytes may ask for many classes and an explanation; the number of rows bounds it too.
const maxSendBytes = 64 << 20

// nestedPerRow is how many nested values a message may hold per row that a batch may have: a
// row given by name holds two for each feature.
const nestedPerRow = 64

// Options set the layers up.
type Options struct {
	// Logger gets one line per failed request, and one per good one at level debug.
	Logger zerolog.Logger
	// LogSampleRate is the share of good requests, 0 to 1, that are logged at level info instead,
	// drawn by lot before there is anything to log.
	LogSampleRate float64
	// MaxMessageBytes is the size of the largest message that is read, uncompressed.
	MaxMessageBytes int
	// MaxRows is the largest number of rows of a batch: it bounds what is decoded of one.
	MaxRows int
	// Processors is how many there are.
	Processors int
	// Timeout is the longest that a unary request may take once its message is there. 0: as
	// long as the client allows.
	Timeout time.Duration
	// Tracer says whether requests may be traced; see [Traced]. Nil: none is.
	Tracer *tracing.Tracer
	// Crashes gets what is the server's own fault. Nil: it is only logged.
	Crashes *crash.Reporter
	// Stopping ends when the server stops: streams that wait for a message of the client's end
	// with UNAVAILABLE then, when what has arrived is answered. Nil: it never does.
	Stopping context.Context //nolint:containedctx // it is the server's, and no call's
}

// HandlerOptions returns the options that every handler is made with.
func HandlerOptions(o Options) []connect.HandlerOption {
	nested, turns := nestedPerRow*o.MaxRows, newTurns(o.Processors)
	if o.Stopping == nil {
		o.Stopping = context.Background()
	}
	interceptors := []connect.Interceptor{
		&errorLayer{logger: o.Logger, sampleRate: o.LogSampleRate, crashes: o.Crashes},
		streamTimes{stopping: o.Stopping},
		deadline(o.Timeout),
		batchCounter{},
		admitted{},
	}
	if o.Tracer != nil {
		interceptors = append(interceptors, traceTimes{})
	}
	return []connect.HandlerOption{
		connect.WithReadMaxBytes(o.MaxMessageBytes),
		connect.WithSendMaxBytes(maxSendBytes),
		connect.WithCompressMinBytes(compressMinBytes),
		Gzip(o.MaxMessageBytes),
		connect.WithCodec(protoCodec{maxNested: nested, turns: turns}),
		connect.WithCodec(jsonCodec{name: "json", maxNested: nested, turns: turns}),
		connect.WithCodec(jsonCodec{name: "json; charset=utf-8", maxNested: nested, turns: turns}),
		connect.WithRequestGate(readableQuery),
		connect.WithInterceptors(interceptors...),
	}
}
