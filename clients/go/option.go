package sepal

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"connectrpc.com/connect"
)

const (
	defaultTimeout         = 10 * time.Second
	defaultMaxMessageBytes = 32 << 20
)

// Protocol is what a client speaks on the wire. A Sepal server answers all of them on its
// one port.
type Protocol int

const (
	// GRPC is gRPC over HTTP/2, in clear text (with prior knowledge) or TLS. It asks for a
	// path to the server on which every proxy speaks HTTP/2.
	GRPC Protocol = iota
	// GRPCWeb is gRPC-Web, over HTTP/1.1 or HTTP/2: for paths on which a proxy drops trailers.
	GRPCWeb
	// Connect is the Connect protocol, over HTTP/1.1 or HTTP/2: plain POSTs.
	Connect
)

// String returns the name of the protocol, such as "grpc-web".
func (p Protocol) String() string {
	switch p {
	case GRPC:
		return "grpc"
	case GRPCWeb:
		return "grpc-web"
	case Connect:
		return "connect"
	}
	return fmt.Sprintf("protocol(%d)", int(p))
}

// An Option changes how [Dial] makes a client. Where an option is given twice, the last one
// holds, but for [WithHeader] and [WithInterceptors], which add up. A nil Option does nothing.
type Option func(*settings)

type settings struct {
	protocol        Protocol
	json            bool
	timeout         time.Duration
	retry           RetryPolicy
	httpClient      connect.HTTPClient
	tls             *tls.Config
	tlsFiles        tlsFiles
	headers         []header
	token           TokenSource // nil: none
	tokenErr        error       // of a token that cannot be one
	clearText       bool        // credentials may travel in clear text
	interceptors    []connect.Interceptor
	maxMessageBytes int
}

func defaults() settings {
	return settings{timeout: defaultTimeout, maxMessageBytes: defaultMaxMessageBytes}
}

// WithProtocol sets what the client speaks. Default: [GRPC].
func WithProtocol(protocol Protocol) Option {
	return func(s *settings) { s.protocol = protocol }
}

// WithJSON makes the client send and receive JSON in place of binary Protobuf, so that people
// can read what passes. Default: binary. Only with the protocol [Connect]; [Dial] refuses it
// with the others.
func WithJSON() Option {
	return func(s *settings) { s.json = true }
}

// WithTimeout bounds each call whose context has no deadline, all its attempts and the waits
// between them together. Default: 10 s. 0: such a call has no bound; negative: [Dial] refuses
// it. It never changes the deadline of a context that has one.
func WithTimeout(timeout time.Duration) Option {
	return func(s *settings) { s.timeout = timeout }
}

// WithRetry sets when a failed call is tried again. Default: the zero [RetryPolicy], which
// makes at most 3 attempts; RetryPolicy{MaxAttempts: 1} never retries.
func WithRetry(policy RetryPolicy) Option {
	return func(s *settings) { s.retry = policy }
}

// WithHTTPClient makes the client send its requests through another HTTP client, for example
// one that dials a Unix socket. For [GRPC] it must speak HTTP/2 to the target. Default: an
// HTTP client of its own, made for the protocol, which follows no redirect. nil: the default.
//
// It excludes [WithTLSConfig] and [WithTLSFiles]: the other client has its own. Its owner closes it.
func WithHTTPClient(client connect.HTTPClient) Option {
	return func(s *settings) { s.httpClient = client }
}

// WithHeader adds a header to every request. Given twice for one name, both values are sent.
// Default: none. [Dial] refuses a name or a value that HTTP does not allow, and the headers that
// the protocols keep for themselves, such as Content-Type. For a token there is
// [WithBearerToken]; an Authorization header may go no further in clear text than that.
func WithHeader(name, value string) Option {
	return func(s *settings) { s.headers = append(s.headers, header{name, value}) }
}

// WithTLSConfig sets how the server is checked and what certificate the client shows; the
// configuration is copied. Default, and nil: the system's authorities and no certificate.
// [Dial] refuses it with a target in clear text. From files, [WithTLSFiles] makes one.
func WithTLSConfig(config *tls.Config) Option {
	return func(s *settings) { s.tls = config }
}

// WithInterceptors adds interceptors around every attempt of every call; a call tried three
// times passes through them three times. The first is the outermost, and sees the headers of
// [WithHeader]. Default: none.
func WithInterceptors(interceptors ...connect.Interceptor) Option {
	return func(s *settings) { s.interceptors = append(s.interceptors, interceptors...) }
}

// WithMaxMessageBytes bounds each message, sent or received, in bytes before compression. A
// larger one fails its call with [connect.CodeResourceExhausted]; one too large to send is
// never sent. Default: 32 MiB. 0: no bound; negative: [Dial] refuses it.
func WithMaxMessageBytes(limit int) Option {
	return func(s *settings) { s.maxMessageBytes = limit }
}

// check refuses options that make no sense, alone or together.
func (s *settings) check(address *url.URL) error {
	switch {
	case s.protocol < GRPC || s.protocol > Connect:
		return fmt.Errorf("sepal: WithProtocol(%d): expected GRPC, GRPCWeb or Connect", int(s.protocol))
	case s.json && s.protocol != Connect:
		return fmt.Errorf("sepal: WithJSON: the protocol is %v: add WithProtocol(Connect)", s.protocol)
	case s.timeout < 0:
		return fmt.Errorf("sepal: WithTimeout(%v): expected 0 (no bound) or more", s.timeout)
	case s.maxMessageBytes < 0:
		return fmt.Errorf("sepal: WithMaxMessageBytes(%d): expected 0 (no bound) or more", s.maxMessageBytes)
	case s.tls != nil && s.httpClient != nil:
		return errors.New("sepal: WithTLSConfig and WithHTTPClient: expected one of them: " +
			"set the TLS configuration of the HTTP client that you give")
	case s.tls != nil && address.Scheme != "https":
		return errors.New("sepal: WithTLSConfig: the target is in clear text: " +
			"expected one that begins with https://")
	case s.tlsFiles.set() && (s.tls != nil || s.httpClient != nil):
		return errors.New("sepal: WithTLSFiles with WithTLSConfig or WithHTTPClient: expected one of them")
	case s.tlsFiles.set() && address.Scheme != "https":
		return errors.New("sepal: WithTLSFiles: the target is in clear text: " +
			"expected one that begins with https://")
	case slices.Contains(s.interceptors, nil):
		return errors.New("sepal: WithInterceptors: an interceptor is nil")
	}
	for _, h := range s.headers {
		if err := h.check(); err != nil {
			return err
		}
	}
	if err := s.checkCredentials(address); err != nil {
		return err
	}
	return s.retry.check()
}

func (s *settings) rpcOptions() []connect.ClientOption {
	options := []connect.ClientOption{connect.WithReadMaxBytes(s.maxMessageBytes)}
	switch {
	case s.protocol == GRPC:
		options = append(options, connect.WithGRPC())
	case s.protocol == GRPCWeb:
		options = append(options, connect.WithGRPCWeb())
	case s.json:
		options = append(options, connect.WithProtoJSON())
	}
	if len(s.headers) > 0 {
		options = append(options, connect.WithInterceptors(addHeaders(s.headers)))
	}
	return append(options, connect.WithInterceptors(s.interceptors...))
}

// sender puts before an HTTP client what each request passes: the bound on its size, the token.
func (s *settings) sender(client connect.HTTPClient) connect.HTTPClient {
	if s.token != nil {
		client = tokenSender{client, s.token}
	}
	if s.maxMessageBytes == 0 {
		return client
	}
	return boundedSender{client, s.maxMessageBytes}
}

// addHeaders is an interceptor that adds headers to every request.
type addHeaders []header

func (a addHeaders) addTo(headers http.Header) {
	for _, h := range a {
		headers.Add(h.name, h.value)
	}
}

func (a addHeaders) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		a.addTo(req.Header())
		return next(ctx, req)
	}
}

func (a addHeaders) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		a.addTo(conn.RequestHeader())
		return conn
	}
}

func (a addHeaders) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}
