package rpc

import (
	"encoding/binary"
	"strings"

	"github.com/sepal-ml/sepal/services/internal/h2"
	"github.com/sepal-ml/sepal/services/internal/metrics"
)

// shortForm is how one content type frames a message and its answer.
type shortForm struct {
	contentType string
	protocol    metrics.Protocol
	enveloped   bool
	json        bool
	header      *h2.Block
	zipped      *h2.Block // the header for a client that reads gzip
	tail        string    // of the body
	trailer     *h2.Block
}

// shortForms are those of the usual content types, as Connect answers them.
//
//nolint:gochecknoglobals // it never changes
var shortForms = func() map[string]*shortForm {
	const gzip = "gzip"
	forms := make(map[string]*shortForm)
	for _, f := range []shortForm{
		{contentType: "application/grpc", protocol: metrics.GRPC},
		{contentType: "application/grpc+proto", protocol: metrics.GRPC},
		{contentType: "application/grpc-web", protocol: metrics.GRPCWeb},
		{contentType: "application/grpc-web+proto", protocol: metrics.GRPCWeb},
		{contentType: "application/proto", protocol: metrics.Connect},
		{contentType: "application/json", protocol: metrics.Connect, json: true},
	} {
		accept := "grpc-accept-encoding"
		switch f.protocol {
		case metrics.Connect:
			accept = "accept-encoding"
		case metrics.GRPC:
			f.enveloped, f.trailer = true, h2.NewBlock(h2.Field{Name: "grpc-status", Value: "0"})
		default: // gRPC-Web has its trailers in an envelope of their own
			const trailers = "grpc-status: 0\r\n"
			f.enveloped, f.tail = true, string(binary.BigEndian.AppendUint32([]byte{0x80}, uint32(len(trailers))))+trailers
		}
		fields := []h2.Field{{Name: "content-type", Value: f.contentType}, {Name: accept, Value: gzip}}
		f.header = h2.NewBlock(fields...)
		f.zipped = f.header
		if f.enveloped {
			f.zipped = h2.NewBlock(append(fields, h2.Field{Name: "grpc-encoding", Value: gzip})...)
		}
		forms[f.contentType] = &f
	}
	return forms
}()

// mostShortFields is how many fields the header of a request as most are has at most.
const mostShortFields = 64

// shortHeader is what the short path heeds of a request's header.
type shortHeader struct{ contentType, grpcTimeout, connectTimeout, grpcAccept, accept string }

// read reads the header of the request, and returns its message. It returns false where either is
// not as most are.
func (c *ShortCall) read() (message []byte, ok bool) {
	var h shortHeader
	if len(c.request.Fields) > mostShortFields {
		return nil, false
	}
	for _, f := range c.request.Fields {
		if !c.field(&h, f.Name, f.Value) {
			return nil, false
		}
	}
	if c.form = shortForms[h.contentType]; c.form == nil {
		return nil, false
	}
	timeout, accept, unheeded := h.grpcTimeout, h.grpcAccept, h.connectTimeout
	if !c.form.enveloped {
		timeout, accept, unheeded = h.connectTimeout, h.accept, h.grpcTimeout
	}
	c.gzip = lists(accept, "gzip")
	if unheeded != "" || timeout != "" && !c.limit(timeout) {
		return nil, false
	}
	message = c.request.Body
	if c.form.enveloped {
		if len(message) < envelopeBytes || message[0] != 0 || int(binary.BigEndian.Uint32(message[1:])) != len(message)-envelopeBytes {
			return nil, false
		}
		message = message[envelopeBytes:]
	}
	return message, len(message) <= c.short.MaxMessageBytes
}

// field takes a field of the header, and reports whether the short path can heed it.
func (c *ShortCall) field(h *shortHeader, name, value string) bool {
	switch name {
	case "content-type":
		return first(&h.contentType, value)
	case "grpc-timeout":
		return first(&h.grpcTimeout, value)
	case "connect-timeout-ms":
		return first(&h.connectTimeout, value)
	case "grpc-accept-encoding":
		return h.grpcAccept != "" || first(&h.grpcAccept, value) // Connect reads the first alone
	case "accept-encoding":
		return h.accept != "" || first(&h.accept, value)
	case "x-request-id":
		return sensibleID(value) && first(&c.id, value)
	case "grpc-encoding":
		return value == "identity"
	case "connect-protocol-version":
		return value == "1"
	case "authorization":
		c.tokens = append(c.tokens, value)
	case "x-forwarded-for":
		c.proxies = append(c.proxies, value)
	case "origin", "content-encoding", "expect", "traceparent", "trailer":
		return false
	}
	return true
}

// first sets what is not set yet.
func first(to *string, value string) bool {
	if *to != "" || value == "" {
		return false
	}
	*to = value
	return true
}

// limit takes how long the client waits.
func (c *ShortCall) limit(timeout string) (ok bool) {
	if c.form.enveloped {
		c.timeout, ok = grpcTimeout(timeout)
	} else {
		c.timeout, ok = connectTimeout(timeout)
	}
	return ok && c.timeout > 0
}

// lists reports whether a list of encodings has one, as Connect reads such a list.
func lists(list, want string) bool {
	for word := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		if word == want {
			return true
		}
	}
	return false
}
