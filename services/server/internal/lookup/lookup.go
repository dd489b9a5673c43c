// Package lookup finds the version that a request asks for, and says in the contract's terms
// why there is none.
package lookup

import (
	"errors"

	"connectrpc.com/connect"

	"github.com/sepal-ml/sepal/services/internal/registry"
)

// Version returns the version that a request asks for. The error is NOT_FOUND where there is
// no such model or version, FAILED_PRECONDITION where it could not be loaded.
func Version(models *registry.Registry, model, version string) (*registry.Version, error) {
	v, err := models.Resolve(model, version)
	var notFound *registry.NotFoundError
	var unavailable *registry.UnavailableError
	switch {
	case errors.As(err, &notFound):
		return nil, connect.NewError(connect.CodeNotFound, err)
	case errors.As(err, &unavailable):
		return nil, connect.NewError(connect.CodeFailedPrecondition, err)
	}
	return v, err
}
