package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"connectrpc.com/connect"
)

// connectEndpoint is an HTTP client of connect, for all protocols but gRPC.
type connectEndpoint struct {
	client    *connect.Client[request, answer]
	transport *http.Transport
	chunks    bool // whether a call is answered by several messages
}

func newConnectEndpoint(o *Options, dial func(context.Context) (net.Conn, error)) *connectEndpoint {
	transport := &http.Transport{
		Protocols:           new(http.Protocols),
		DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		DisableCompression:  true,
		MaxConnsPerHost:     o.Connections,
		MaxIdleConnsPerHost: o.Connections,
	}
	if o.Target.encrypted() {
		transport.TLSClientConfig = o.TLS.Clone()
	}
	if o.HTTP == 2 {
		transport.Protocols.SetHTTP2(o.Target.encrypted())
		transport.Protocols.SetUnencryptedHTTP2(!o.Target.encrypted())
		// One connection is one: what the server does not take at once waits.
		transport.MaxConnsPerHost, transport.MaxIdleConnsPerHost = 1, 1
		transport.HTTP2 = &http.HTTP2Config{StrictMaxConcurrentRequests: true}
	} else {
		transport.Protocols.SetHTTP1(true)
	}
	name := "proto"
	if o.Protocol == ConnectJSON {
		name = "json"
	}
	options := []connect.ClientOption{
		connect.WithCodec(connectCodec{name: name, read: readerOf(o.Protocol, o.Call)}),
		connect.WithAcceptCompression("gzip", nil, nil), // asks for none
	}
	if o.Protocol == GRPCWeb {
		options = append(options, connect.WithGRPCWeb())
	}
	var sender connect.HTTPClient = &http.Client{Transport: transport}
	if o.Token != nil {
		sender = tokenSender{sender, o.Token}
	}
	return &connectEndpoint{
		client:    connect.NewClient[request, answer](sender, o.Target.base()+procedure(o.Call), options...),
		transport: transport,
		chunks:    o.Call == CallBatchStream,
	}
}

func (e *connectEndpoint) call(ctx context.Context, r *request, a *answer) error {
	if !e.chunks {
		response, err := e.client.CallUnary(ctx, connect.NewRequest(r))
		if err == nil {
			*a = *response.Msg
		}
		return err
	}
	chunks, err := e.client.CallServerStream(ctx, connect.NewRequest(r))
	if err != nil {
		return err
	}
	for chunks.Receive() {
		a.add(chunks.Msg())
	}
	return errors.Join(chunks.Err(), chunks.Close())
}

// add adds what another message of the same call says.
func (a *answer) add(b *answer) {
	if a.failed == 0 {
		a.code, a.message = b.code, b.message
	}
	a.rows, a.failed, a.bytes = a.rows+b.rows, a.failed+b.failed, a.bytes+b.bytes
	a.by = b.by // one version answers a call
}

func (e *connectEndpoint) open(ctx context.Context) (stream, error) {
	s := &connectStream{stream: e.client.CallBidiStream(ctx)}
	// While net/http waits for more of a request's body it does not look at the context.
	s.stop = context.AfterFunc(ctx, func() { _ = s.stream.CloseRequest() })
	return s, nil
}

func (e *connectEndpoint) close() { e.transport.CloseIdleConnections() }

type connectStream struct {
	stream *connect.BidiStreamForClient[request, answer]
	stop   func() bool // leaves the context alone
}

func (s *connectStream) send(r *request) error { return s.stream.Send(r) }
func (s *connectStream) endSend() error        { return s.stream.CloseRequest() }

func (s *connectStream) finish() {
	s.stop()
	_ = s.stream.CloseResponse() // whatever there was to say was received
}

func (s *connectStream) receive(a *answer) error {
	got, err := s.stream.Receive()
	switch {
	case errors.Is(err, io.EOF):
		return io.EOF
	case err != nil:
		return err
	}
	*a = *got
	return nil
}

// connectCodec passes encoded messages on.
type connectCodec struct {
	name string
	read reader
}

func (c connectCodec) Name() string { return c.name }

// MarshalAppend makes connect copy messages into a buffer of its own: it would write over what
// Marshal returns.
func (connectCodec) MarshalAppend(to []byte, v any) ([]byte, error) {
	r, ok := v.(*request)
	if !ok {
		return nil, fmt.Errorf("cannot send a %T", v)
	}
	return append(to, r.body...), nil
}

func (c connectCodec) Marshal(v any) ([]byte, error) { return c.MarshalAppend(nil, v) }

func (c connectCodec) Unmarshal(data []byte, v any) error {
	a, ok := v.(*answer)
	if !ok {
		return fmt.Errorf("cannot read a %T", v)
	}
	a.bytes += len(data)
	return c.read(data, a)
}
