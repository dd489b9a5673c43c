// Package rpc is what every Connect handler of a server shares: the layers around it, the
// shape of errors, the JSON codec, and the request id.
//
// A call passes the layers in this order:
//
//  1. [RequestID], [Unheard] and [BodyDeadline], around the whole HTTP handler, so that even
//     a request that no RPC takes has an id, a reason and an end;
//  2. size limits and decompression, which Connect applies while it reads, and the codec's bound
//     on what a message unfolds to;
//  3. the error layer, outermost of the interceptors, so that no error of those within, nor a
//     panic, passes it unseen;
//  4. the deadline, which shortens the client's but never lengthens it;
//  5. the handler.
package rpc

import (
	"time"

	"connectrpc.com/connect"
	"github.com/rs/zerolog"
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

// Options set the layers up. Every field is required.
type Options struct {
	// Logger gets one line per failed request, and one per good one at level debug.
	Logger zerolog.Logger
	// MaxMessageBytes is the size of the largest message that is read, uncompressed.
	MaxMessageBytes int
	// MaxRows is the largest number of rows of a batch: it bounds what is decoded of one.
	MaxRows int
	// Timeout is the longest that a unary request may take once its message is there. 0: as
	// long as the client allows.
	Timeout time.Duration
}

// HandlerOptions returns the options that every handler is made with.
func HandlerOptions(o Options) []connect.HandlerOption {
	nested := nestedPerRow * o.MaxRows
	return []connect.HandlerOption{
		connect.WithReadMaxBytes(o.MaxMessageBytes),
		connect.WithSendMaxBytes(maxSendBytes),
		connect.WithCompressMinBytes(compressMinBytes),
		connect.WithCodec(protoCodec{maxNested: nested}),
		connect.WithCodec(jsonCodec{name: "json", maxNested: nested}),
		connect.WithCodec(jsonCodec{name: "json; charset=utf-8", maxNested: nested}),
		connect.WithInterceptors(&errorLayer{logger: o.Logger}, streamsTakeTheirTime{}, deadline(o.Timeout)),
	}
}
