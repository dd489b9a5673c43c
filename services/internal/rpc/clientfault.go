package rpc

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"

	"connectrpc.com/connect"
)

// receivedConn tells what is wrong with a stream's messages from what goes wrong here.
type receivedConn struct {
	connect.StreamingHandlerConn
}

// Receive returns INVALID_ARGUMENT for what Connect calls INTERNAL or UNKNOWN: no code of the
// server's has run yet, so it is what was sent that Connect cannot read, such as an envelope that
// is cut short, compressed without having said so, or of a kind that there is not.
func (c receivedConn) Receive(message any) error {
	err := c.StreamingHandlerConn.Receive(message)
	var made *connect.Error
	if err == nil || errors.Is(err, io.EOF) || !errors.As(err, &made) {
		return err
	}
	if made.Code() != connect.CodeInternal && made.Code() != connect.CodeUnknown {
		return err
	}
	return connect.NewError(connect.CodeInvalidArgument, errors.New(made.Message()))
}

// readableQuery refuses a GET whose message is said to be base64, but is not: Connect calls that
// UNKNOWN, where no interceptor sees it.
func readableQuery(ctx context.Context, _ connect.Spec, peer connect.Peer, _ http.Header) (context.Context, error) {
	if len(peer.Query) == 0 || peer.Query.Get("base64") != "1" {
		return ctx, nil
	}
	if c := callFrom(ctx); c == nil || c.answer.request == nil || c.answer.request.Method != http.MethodGet {
		return ctx, nil
	}
	message := peer.Query.Get("message")
	encoding := base64.URLEncoding
	if len(message)%4 != 0 {
		encoding = base64.RawURLEncoding
	}
	if _, err := io.Copy(io.Discard, base64.NewDecoder(encoding, strings.NewReader(message))); err != nil {
		return ctx, Invalid(Violation{Field: "message", Description: "is not in base64, as base64=1 says: " + err.Error()})
	}
	return ctx, nil
}
