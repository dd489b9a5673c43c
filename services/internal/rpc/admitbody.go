package rpc

import (
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"strconv"
	"time"

	"connectrpc.com/connect"
)

// bytesPerUnit is how many bytes of a message weigh as much as a request in itself: a row of four
// numbers takes some thirty.
const bytesPerUnit = 2048

// serve lets a request of one message on, which takes its turn when its message is there.
func (a *Admission) serve(c *call, w http.ResponseWriter, r *http.Request, next http.Handler) {
	if r.Method == http.MethodGet || r.Body == nil || r.Body == http.NoBody {
		if err := a.takeTurn(c, r, int64(len(r.URL.RawQuery))); err != nil {
			// A client that has gone away is all that can go wrong here.
			_ = a.canned.writer.Write(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
		return
	}
	c.turns = turnBody{ReadCloser: r.Body, call: c, request: r, enveloped: enveloped(r)}
	r.Body = &c.turns
	next.ServeHTTP(w, r)
}

// takeTurn is enter for a message of so many bytes that is there.
func (a *Admission) takeTurn(c *call, r *http.Request, bytes int64) error {
	weight := 1 + bytes/bytesPerUnit
	ctx := r.Context()
	if timeout, bounded := clientTimeout(r.Header); bounded && !a.controller.Free(weight) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, c.start.Add(timeout))
		defer cancel()
	}
	err := a.enter(ctx, c, weight, false)
	if err != nil {
		c.heard, c.code = true, connect.CodeOf(err)
		c.tellID(c.answer.Header())
	}
	return err
}

// clientTimeout returns the time that a client gives for the answer.
func clientTimeout(header http.Header) (time.Duration, bool) {
	if values := header["Connect-Timeout-Ms"]; len(values) > 0 {
		return connectTimeout(values[0])
	}
	if values := header["Grpc-Timeout"]; len(values) > 0 {
		return grpcTimeout(values[0])
	}
	return 0, false
}

func connectTimeout(value string) (time.Duration, bool) {
	n, err := strconv.ParseInt(value, 10, 64)
	return time.Duration(n) * time.Millisecond, err == nil && n >= 0 && len(value) <= 10
}

func grpcTimeout(value string) (time.Duration, bool) {
	if len(value) < 2 || len(value) > 9 {
		return 0, false
	}
	digits, unit := value[:len(value)-1], time.Duration(0)
	switch value[len(digits)] {
	case 'H':
		unit = time.Hour
	case 'M':
		unit = time.Minute
	case 'S':
		unit = time.Second
	case 'm':
		unit = time.Millisecond
	case 'u':
		unit = time.Microsecond
	case 'n':
		unit = time.Nanosecond
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	return min(time.Duration(n), time.Duration(1<<62)/max(unit, 1)) * unit, err == nil && unit > 0
}

// turnBody is the body of a request of one message. The read that ends the message waits for the
// turn of the request: until then the client is waited for, and from then on it is decoded.
type turnBody struct {
	io.ReadCloser
	call      *call
	request   *http.Request
	enveloped bool

	prefix  [envelopeBytes]byte
	read    int64
	taken   bool
	refused error // what Read returns from now on
}

func (b *turnBody) Read(p []byte) (int, error) {
	if b.refused != nil {
		return 0, b.refused
	}
	n, err := b.ReadCloser.Read(p)
	if b.taken {
		return n, err
	}
	if b.read < envelopeBytes {
		copy(b.prefix[b.read:], p[:n])
	}
	b.read += int64(n)
	if b.complete() || err == io.EOF {
		b.taken = true
		if b.refused = b.call.admission.takeTurn(b.call, b.request, b.read); b.refused != nil {
			return 0, b.refused
		}
	}
	return n, err
}

// complete reports whether all of the message is there.
func (b *turnBody) complete() bool {
	if !b.enveloped {
		return b.request.ContentLength >= 0 && b.read >= b.request.ContentLength
	}
	return b.read >= envelopeBytes && b.read-envelopeBytes >= int64(binary.BigEndian.Uint32(b.prefix[1:]))
}
