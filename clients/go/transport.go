package sepal

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"

	"connectrpc.com/connect"
)

const (
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 10 * time.Second
	idleTimeout      = 90 * time.Second
	idleConnections  = 64

	// An HTTP/2 connection that stays silent this long is asked whether it still lives, and
	// is dropped without an answer: otherwise every call on it waits for its own deadline.
	silenceBeforePing = 30 * time.Second
	pingTimeout       = 10 * time.Second
)

// newHTTPClient returns an HTTP client that speaks what the protocol needs, and only that:
// gRPC is HTTP/2 with prior knowledge in clear text, and the others start with HTTP/1.1.
func newHTTPClient(protocol Protocol, scheme string, config *tls.Config) *http.Client {
	protocols := new(http.Protocols)
	proxy := http.ProxyFromEnvironment
	switch {
	case protocol == GRPC && scheme == "http":
		protocols.SetUnencryptedHTTP2(true)
		proxy = nil // an HTTP proxy does not take HTTP/2 with prior knowledge
	case protocol == GRPC:
		protocols.SetHTTP2(true)
	default:
		protocols.SetHTTP1(true)
		protocols.SetHTTP2(true)
	}
	dialer := &net.Dialer{Timeout: dialTimeout}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               proxy,
			DialContext:         dialer.DialContext,
			TLSClientConfig:     config.Clone(),
			TLSHandshakeTimeout: handshakeTimeout,
			MaxIdleConnsPerHost: idleConnections,
			IdleConnTimeout:     idleTimeout,
			Protocols:           protocols,
			HTTP2: &http.HTTP2Config{
				SendPingTimeout: silenceBeforePing,
				PingTimeout:     pingTimeout,
			},
		},
		// A redirected call would carry its headers, and with them credentials, elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// envelopeBytes is what stands before a message but in Connect's unary calls.
const envelopeBytes = 5

// A boundedSender refuses requests that are too large before anything is sent. The bound of
// connect itself does not: it answers with an error, and sends an empty request all the same,
// which the server then takes for a row without features. A request whose length is not known is
// one of many messages, each of which connect bounds.
type boundedSender struct {
	connect.HTTPClient
	limit int // of a message, in bytes
}

func (s boundedSender) Do(r *http.Request) (*http.Response, error) {
	size := r.ContentLength
	switch r.Header.Get("Content-Type") {
	case "application/proto", "application/json":
	default:
		size -= envelopeBytes
	}
	if size > int64(s.limit) {
		return nil, connect.NewError(connect.CodeResourceExhausted, fmt.Errorf(
			"the request is %d bytes: expected at most %d (WithMaxMessageBytes)", size, s.limit))
	}
	return s.HTTPClient.Do(r)
}
