package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

// grpcEndpoint is one connection of grpc-go's client, which costs less than connect's.
type grpcEndpoint struct {
	connection *grpc.ClientConn
	method     string
	chunks     bool // whether a call is answered by several messages
	token      func(context.Context) (string, error)
}

func newGRPCEndpoint(o *Options, dial func(context.Context) (net.Conn, error)) (*grpcEndpoint, error) {
	transport := insecure.NewCredentials()
	if o.Target.encrypted() {
		transport = credentials.NewTLS(o.TLS) // which it copies
	}
	connection, err := grpc.NewClient("passthrough:///"+o.Target.Address(),
		grpc.WithTransportCredentials(transport),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return dial(ctx) }),
		grpc.WithNoProxy(),
		grpc.WithDefaultCallOptions(
			grpc.ForceCodecV2(grpcCodec{read: readerOf(o.Protocol, o.Call)}),
			grpc.MaxCallRecvMsgSize(maxAnswerBytes),
		),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: o.Timeout,
		}),
	)
	if err != nil {
		return nil, err
	}
	return &grpcEndpoint{connection: connection, method: procedure(o.Call), chunks: o.Call == CallBatchStream, token: o.Token}, nil
}

// maxAnswerBytes is the size of the largest message that a server of ours sends.
const maxAnswerBytes = 64 << 20

func (e *grpcEndpoint) call(ctx context.Context, r *request, a *answer) error {
	ctx, err := e.withToken(ctx)
	if err != nil {
		return err
	}
	if !e.chunks {
		return fromGRPC(e.connection.Invoke(ctx, e.method, r, a))
	}
	s, err := e.connection.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, e.method)
	if err != nil {
		return fromGRPC(err)
	}
	if err := s.SendMsg(r); err != nil && !errors.Is(err, io.EOF) {
		return fromGRPC(err)
	}
	if err := s.CloseSend(); err != nil {
		return fromGRPC(err)
	}
	for {
		switch err := s.RecvMsg(a); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fromGRPC(err)
		}
	}
}

func (e *grpcEndpoint) open(ctx context.Context) (stream, error) {
	ctx, err := e.withToken(ctx)
	if err != nil {
		return nil, err
	}
	s, err := e.connection.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, e.method)
	if err != nil {
		return nil, fromGRPC(err)
	}
	return grpcStream{s}, nil
}

func (e *grpcEndpoint) close() { _ = e.connection.Close() } // nothing is in flight any more

type grpcStream struct{ stream grpc.ClientStream }

func (s grpcStream) send(r *request) error { return s.stream.SendMsg(r) }
func (s grpcStream) endSend() error        { return s.stream.CloseSend() }
func (s grpcStream) finish()               {}

func (s grpcStream) receive(a *answer) error {
	err := s.stream.RecvMsg(a)
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return fromGRPC(err)
}

// fromGRPC gives an error of gRPC the type that those of the other protocols have.
func fromGRPC(err error) error {
	if err == nil {
		return nil
	}
	s := status.Convert(err)
	return connect.NewError(connect.Code(s.Code()), errors.New(s.Message()))
}

// grpcCodec passes encoded messages on.
type grpcCodec struct{ read reader }

func (grpcCodec) Name() string { return "proto" }

func (grpcCodec) Marshal(v any) (mem.BufferSlice, error) {
	r, ok := v.(*request)
	if !ok {
		return nil, fmt.Errorf("cannot send a %T", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(r.body)}, nil
}

func (c grpcCodec) Unmarshal(data mem.BufferSlice, v any) error {
	a, ok := v.(*answer)
	if !ok {
		return fmt.Errorf("cannot read a %T", v)
	}
	a.bytes += data.Len()
	if len(data) == 1 {
		return c.read(data[0].ReadOnlyData(), a)
	}
	whole := make([]byte, data.Len())
	data.CopyTo(whole)
	return c.read(whole, a)
}
