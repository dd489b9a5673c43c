package conformance

import (
	"context"
	"errors"

	"connectrpc.com/connect"
)

// ordered lets the errors out that the suite orders. Sepal's error layer keeps the texts, details
// and trailers of INTERNAL and UNKNOWN to itself, since only faults of its own have these codes; the
// suite orders most of its errors as just those, to see what becomes of texts, details and trailers.
// It stands outside that layer, and passes all else on.
type ordered struct{}

type orderKey struct{}

// order is the error that a call was ordered to end with, nil as long as there is none.
type order struct{ err *connect.Error }

// note keeps an error that was ordered, for whoever stands outside.
func note(ctx context.Context, err error) error {
	var made *connect.Error
	if o, ok := ctx.Value(orderKey{}).(*order); ok && errors.As(err, &made) {
		o.err = made
	}
	return err
}

// result returns the error that a call ends with.
func (o *order) result(err error) error {
	if o.err != nil && connect.CodeOf(err) == connect.CodeInternal {
		return o.err
	}
	return err
}

func (ordered) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		o := new(order)
		response, err := next(context.WithValue(ctx, orderKey{}, o), request)
		return response, o.result(err)
	}
}

func (ordered) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		o := new(order)
		return o.result(next(context.WithValue(ctx, orderKey{}, o), conn))
	}
}

func (ordered) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}
