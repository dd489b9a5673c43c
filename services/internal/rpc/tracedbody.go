package rpc

import (
	"encoding/binary"
	"io"
	"net/http"
	"time"

	"connectrpc.com/connect"
)

// envelopeBytes is what stands before each message in the protocols that wrap them: a byte of flags
// and the length.
const envelopeBytes = 5

// watch notes when the message of a unary request is there, and when it was decoded: Connect does so
// between the read that ends the message and what it does next, which is to look for another one
// where there are envelopes, or else to call the handler.
func (t *callTrace) watch(r *http.Request, protocol string) {
	if r.Method == http.MethodGet {
		t.received = time.Now() // in the URL
		return
	}
	body := &tracedBody{ReadCloser: r.Body, trace: t, enveloped: protocol != connect.ProtocolConnect}
	r.Body = body
}

// tracedBody is a body with one message. The time to read it is the client's, or the network's.
type tracedBody struct {
	io.ReadCloser
	trace     *callTrace
	enveloped bool
	prefix    [envelopeBytes]byte
	read      uint64
}

func (b *tracedBody) Read(p []byte) (int, error) {
	t := b.trace
	if b.enveloped && !t.received.IsZero() && t.decoded.IsZero() {
		t.decoded = time.Now() // and Connect looks whether there is more
	}
	n, err := b.ReadCloser.Read(p)
	if t.received.IsZero() {
		b.take(p[:n])
		if b.complete() || err == io.EOF {
			t.received = time.Now()
		}
	}
	return n, err
}

// take counts what was read, and keeps the envelope.
func (b *tracedBody) take(p []byte) {
	if b.read < envelopeBytes {
		copy(b.prefix[b.read:], p)
	}
	b.read += uint64(len(p))
}

// complete reports whether all of an enveloped message is there.
func (b *tracedBody) complete() bool {
	return b.enveloped && b.read >= envelopeBytes &&
		b.read-envelopeBytes >= uint64(binary.BigEndian.Uint32(b.prefix[1:]))
}
