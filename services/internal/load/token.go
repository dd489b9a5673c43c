package load

import (
	"context"
	"fmt"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/grpc/metadata"
)

// tokenSender adds the token to each request.
type tokenSender struct {
	connect.HTTPClient
	token func(context.Context) (string, error)
}

func (s tokenSender) Do(r *http.Request) (*http.Response, error) {
	token, err := s.token(r.Context())
	if err != nil {
		return nil, noToken(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return s.HTTPClient.Do(r)
}

// withToken returns the context of a call of grpc-go that carries the token.
func (e *grpcEndpoint) withToken(ctx context.Context) (context.Context, error) {
	if e.token == nil {
		return ctx, nil
	}
	token, err := e.token(ctx)
	if err != nil {
		return nil, noToken(err)
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token), nil
}

func noToken(err error) error {
	return connect.NewError(connect.CodeUnauthenticated, fmt.Errorf("there is no token to send: %w", err))
}
