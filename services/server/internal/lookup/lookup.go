// Package lookup says in the contract's terms why a version that a request asks for cannot
// answer.
package lookup

import (
	"errors"

	"connectrpc.com/connect"

	"github.com/sepal-ml/sepal/services/internal/registry"
)

// WireError gives the error of who looks for a version its code: NOT_FOUND where there is no such
// model or version, FAILED_PRECONDITION where it could not be loaded. Others stay as they are.
func WireError(err error) error {
	if err == nil {
		return nil
	}
	var notFound *registry.NotFoundError
	var unavailable *registry.UnavailableError
	switch {
	case errors.As(err, &notFound):
		return connect.NewError(connect.CodeNotFound, err)
	case errors.As(err, &unavailable):
		return connect.NewError(connect.CodeFailedPrecondition, err)
	}
	return err
}
