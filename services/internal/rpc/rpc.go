// Package rpc is what every Connect handler of a server shares: the layers around it, the
// shape of errors, the JSON codec, and the request id.
//
// A call passes the layers in this order:
//
//  1. [RequestID] and [ContentType], around the whole HTTP handler, so that even a request
//     that no RPC takes has an id and a reason;
//  2. size limits and decompression, which Connect applies while it reads;
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

// Options set the layers up. Every field is required.
type Options struct {
	// Logger gets one line per failed request, and one per good one at level debug.
	Logger zerolog.Logger
	// MaxMessageBytes is the size of the largest message that is read or sent, uncompressed.
	MaxMessageBytes int
	// Timeout is the longest that a unary request may take. 0: as long as the client allows.
	Timeout time.Duration
}

// HandlerOptions returns the options that every handler is made with.
func HandlerOptions(o Options) []connect.HandlerOption {
	return []connect.HandlerOption{
		connect.WithReadMaxBytes(o.MaxMessageBytes),
		connect.WithSendMaxBytes(o.MaxMessageBytes),
		connect.WithCompressMinBytes(compressMinBytes),
		connect.WithCodec(jsonCodec{name: "json"}),
		connect.WithCodec(jsonCodec{name: "json; charset=utf-8"}),
		connect.WithInterceptors(&errorLayer{logger: o.Logger}, deadline(o.Timeout)),
	}
}
