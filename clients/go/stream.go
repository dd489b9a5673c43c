package sepal

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync"

	"connectrpc.com/connect"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

// A PredictStream classifies one row per message, and gets the answers in the order of the
// messages. Make one with [Client.PredictStream].
//
// One goroutine may send while another receives, and Close may be called at any time. A client
// that sends without receiving is stopped by the server, which waits for its answers to be
// taken, so send and receive at once, or in turns.
type PredictStream struct {
	ctx    context.Context //nolint:containedctx // the stream is one call, which this bounds
	cancel context.CancelFunc
	stream *connect.BidiStreamForClientSimple[predictionv1.PredictStreamRequest, predictionv1.PredictStreamResponse]
	closed sync.Once
	end    error // what Recv ended with
}

// PredictStream opens a stream of predictions. It needs HTTP/2: [GRPC] has that, the other
// protocols where the target begins with https://. Without, the stream fails with
// [connect.CodeUnimplemented].
//
// The stream lasts until ctx ends, Recv returns an error, or Close is called; see to one of
// them, or it is never released. [WithTimeout] does not bound it, and it is not tried again.
// It does not wait for the server: that there is none is what the first Recv says.
func (c *Client) PredictStream(ctx context.Context) (*PredictStream, error) {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := c.streams.PredictStream(ctx)
	if err == nil {
		err = stream.Send(nil) // headers: an idle stream is one too
	}
	if err != nil && !errors.Is(err, io.EOF) {
		defer cancel()
		return nil, newError(ctx, err, 1, nil)
	}
	// The transport reads the body that it sends without an eye on the context.
	context.AfterFunc(ctx, func() { _ = stream.CloseRequest() })
	return &PredictStream{ctx: ctx, cancel: cancel, stream: stream}, nil
}

// Send sends a row to classify. It keeps no reference to it. The error is [io.EOF] when the
// stream is over, and Recv then says why; else it is an [*Error] of this one message, such as
// one that is too large, and the stream goes on.
func (s *PredictStream) Send(req *predictionv1.PredictRequest) error {
	err := s.stream.Send(&predictionv1.PredictStreamRequest{Request: req})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), contextCode(s.ctx) != 0:
		return io.EOF
	}
	return newError(s.ctx, err, 1, nil)
}

// Recv returns the answer to the next message: a prediction, or why that message could not be
// answered. The error is [io.EOF] after CloseSend and the last answer, and an [*Error] where the
// stream has failed. Either releases the stream.
func (s *PredictStream) Recv() (*predictionv1.PredictStreamResponse, error) {
	if s.end != nil {
		return nil, s.end
	}
	answer, err := s.stream.Receive()
	if err == nil {
		return answer, nil
	}
	switch ctxErr := contextError(s.ctx); {
	case !errors.Is(err, io.EOF):
		s.end = newError(s.ctx, needsHTTP2(err), 1, nil)
	case ctxErr != nil: // which has closed what is sent, and so led to the end
		s.end = newError(s.ctx, ctxErr, 1, nil)
	default:
		s.end = io.EOF
	}
	s.Close()
	return nil, s.end
}

// CloseSend says that no more is sent. The answers to what was sent are still to come.
func (s *PredictStream) CloseSend() error {
	if err := s.stream.CloseRequest(); err != nil && !errors.Is(err, io.EOF) {
		return newError(s.ctx, err, 1, nil)
	}
	return nil
}

// Close ends the stream and releases it, whatever is on its way. A second call does nothing.
func (s *PredictStream) Close() {
	s.closed.Do(func() {
		s.cancel()
		_ = s.stream.CloseRequest()
		_ = s.stream.CloseResponse()
	})
}

// needsHTTP2 gives the refusal of a stream over HTTP/1.1 a reason.
func needsHTTP2(err error) error {
	var coded *connect.Error
	if errors.As(err, &coded) && coded.Message() == "HTTP status 505 HTTP Version Not Supported" {
		return connect.NewError(connect.CodeUnimplemented, errors.New("PredictStream needs HTTP/2, and the connection speaks "+
			"HTTP/1.1: use the protocol GRPC, or a target that begins with https://"))
	}
	return err
}

// ClassifyAll classifies the rows of a sequence through one stream and yields the answers in its
// order: many are on their way at once, but never more than fit the buffers of the connection.
// A row that cannot be answered has an error in its answer, and the rest goes on. What ends all
// of it is yielded last, with an [*Error].
//
// The sequence is read by another goroutine. When the caller breaks off, or the stream fails, it
// is asked for no more, and ClassifyAll returns once it has stopped: one that waits for something
// must have an end of its own. What it yields is not kept. As [Client.PredictStream], it needs
// HTTP/2, and neither is it bounded by [WithTimeout] nor tried again.
func (c *Client) ClassifyAll(
	ctx context.Context, requests iter.Seq[*predictionv1.PredictRequest],
) iter.Seq2[*predictionv1.PredictStreamResponse, error] {
	return func(yield func(*predictionv1.PredictStreamResponse, error) bool) {
		stream, err := c.PredictStream(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		sent := make(chan error, 1) // one error, nil for none, when all was sent
		var sender sync.WaitGroup
		defer sender.Wait()
		defer stream.Close()
		sender.Go(func() { sent <- stream.sendAll(requests) })
		for {
			answer, err := stream.Recv()
			if err == nil {
				if !yield(answer, nil) {
					return
				}
				continue
			}
			if errors.Is(err, io.EOF) {
				err = stream.endOf(sent)
			}
			if err != nil {
				yield(nil, err)
			}
			return
		}
	}
}

// sendAll sends until the sequence ends or a message cannot be sent. It returns io.EOF where the
// stream was over before.
func (s *PredictStream) sendAll(requests iter.Seq[*predictionv1.PredictRequest]) error {
	for request := range requests {
		if err := s.Send(request); err != nil {
			_ = s.CloseSend() // what was sent is answered still
			return err
		}
	}
	return s.CloseSend()
}

// endOf returns why a stream ended that ended well as far as the server says.
func (s *PredictStream) endOf(sent <-chan error) error {
	select {
	case err := <-sent:
		if !errors.Is(err, io.EOF) {
			return err
		}
	default:
	}
	return newError(s.ctx, connect.NewError(connect.CodeUnavailable,
		errors.New("the server ended the stream before the last message")), 1, nil)
}

// BatchPredictStream is BatchPredict with the results in chunks: the first are yielded while the
// server computes the rest. One version answers the whole batch. Breaking off stops the server
// too. What ends the sequence before its time is yielded last, with an [*Error].
//
// The call is tried again as others are, until its first chunk is there; [WithTimeout] does not
// bound it.
func (c *Client) BatchPredictStream(
	ctx context.Context, req *predictionv1.BatchPredictStreamRequest,
) iter.Seq2[*predictionv1.BatchPredictStreamResponse, error] {
	return func(yield func(*predictionv1.BatchPredictStreamResponse, error) bool) {
		inner, cancel := context.WithCancel(ctx)
		defer cancel()
		var stream *connect.ServerStreamForClient[predictionv1.BatchPredictStreamResponse]
		more, attempts := false, 0
		err := c.retries.run(ctx, func(context.Context) (err error) {
			attempts++
			if stream, err = c.prediction.BatchPredictStream(inner, req); err != nil {
				return err
			}
			if more = stream.Receive(); more {
				return nil
			}
			err = stream.Err()
			_ = stream.Close()
			return err
		})
		if err != nil {
			yield(nil, err)
			return
		}
		// What is still on its way is not waited for.
		defer func() { cancel(); _ = stream.Close() }()
		for ; more; more = stream.Receive() {
			if !yield(stream.Msg(), nil) {
				return
			}
		}
		if err := stream.Err(); err != nil {
			yield(nil, newError(ctx, err, attempts, nil))
		}
	}
}
