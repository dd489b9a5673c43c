package rpc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"connectrpc.com/connect"
)

// politeness is how much of what is too large is read all the same and thrown away: a client that
// sends first and reads then is told so over HTTP/1.1, where it would find its connection reset.
const politeness = 16 << 20

// Moderate keeps Connect from reading on and on in what is too large: it reads all of that, up to the
// 4 GiB that a message may say that it has, and only then refuses it. limit returns the size of the
// largest message of a request.
func Moderate(limit func(*http.Request) int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most := limit(r)
		// What says that it is small is; net/http reads no more.
		if r.ContentLength >= 0 && r.ContentLength <= most {
			next.ServeHTTP(w, r)
			return
		}
		c, r := callOf(r)
		c.body = boundedBody{ReadCloser: r.Body, most: most, enveloped: enveloped(r)}
		c.body.chunked = len(r.TransferEncoding) > 0
		if !c.body.enveloped && r.ContentLength > most+politeness {
			c.body.refused = tooLarge(r.ContentLength, most)
		}
		r.Body = &c.body
		next.ServeHTTP(w, r)
	})
}

// enveloped reports whether the messages of a request follow each other, each with its size before
// it; else the whole body is one.
func enveloped(r *http.Request) bool {
	kind := r.Header.Get("Content-Type")
	return strings.HasPrefix(kind, "application/grpc") || strings.HasPrefix(kind, "application/connect+")
}

func tooLarge(size, most int64) error {
	return connect.NewError(connect.CodeResourceExhausted, fmt.Errorf("message size %d is larger than configured max %d", size, most))
}

// boundedBody is a body that ends with an error where a message of it is by far too large.
type boundedBody struct {
	io.ReadCloser
	most      int64
	enveloped bool
	chunked   bool // in chunks of HTTP/1.1

	refused error               // what Read returns from now on, or nil
	read    int64               // of a body that is not enveloped
	left    int64               // of the message that is being read
	head    [envelopeBytes]byte // of the next one, as far as it was read
	known   int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.refused != nil {
		return 0, b.refused
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil && b.chunked {
		err = brokenChunk(err)
	}
	if b.enveloped {
		b.follow(p[:n])
	} else if b.read += int64(n); b.read > b.most+politeness {
		b.refused = connect.NewError(connect.CodeResourceExhausted, fmt.Errorf("message is larger than configured max %d", b.most))
	}
	return n, err
}

// brokenChunk returns what a body in chunks ended with as the client's fault where it is: what is
// neither the end nor the network's doing is that the chunks cannot be told apart.
func brokenChunk(err error) error {
	var network net.Error
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) ||
		errors.Is(err, context.Canceled) || errors.Is(err, http.ErrBodyReadAfterClose) {
		return err
	}
	return connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("the chunks of the body cannot be read: %w", err))
}

// follow looks for the sizes of messages in what was read.
func (b *boundedBody) follow(p []byte) {
	for len(p) > 0 {
		if b.left > 0 {
			n := min(b.left, int64(len(p)))
			b.left -= n
			p = p[n:]
			continue
		}
		n := copy(b.head[b.known:], p)
		b.known += n
		p = p[n:]
		if b.known == envelopeBytes {
			b.known, b.left = 0, int64(binary.BigEndian.Uint32(b.head[1:]))
			if b.left > b.most+politeness {
				b.refused = fmt.Errorf("it is said to have %d bytes", b.left)
			}
		}
	}
}
