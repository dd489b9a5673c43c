package registryapi

import (
	"errors"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/rollout"
	"github.com/sepal-ml/sepal/services/internal/rpc"
	"github.com/sepal-ml/sepal/services/server/internal/lookup"
)

// shown returns a text of the registry for a client: files are named by where they stand in the
// registry, and where that is stays the server's own affair. The name of a file may be no text, which
// a message must be.
func (s *Service) shown(text string) string {
	text = strings.ReplaceAll(text, s.models.Place()+"/", "")
	text = strings.ReplaceAll(text, s.models.Place()+":", "the registry:")
	return strings.ToValidUTF8(text, "\uFFFD")
}

func (s *Service) coded(code connect.Code, err error) error {
	return connect.NewError(code, errors.New(s.shown(err.Error())))
}

// wireError gives an error of the registry its code and details.
func (s *Service) wireError(err error) error {
	var (
		invalid     *rollout.InvalidError
		invalidFile *registry.InvalidFileError
		exists      *registry.ExistsError
		breaks      *registry.BreakError
		notLoaded   *registry.NotLoadedError
		nothing     *rollout.NothingError
		noEvent     *rollout.NoEventError
		requestID   *registry.RequestIDError
		rolloutFile *registry.RolloutFileError
		secondModel *registry.SecondModelError
	)
	switch {
	case errors.As(err, &rolloutFile):
		return s.coded(connect.CodeFailedPrecondition, err)
	case errors.As(err, &invalid):
		violations := make([]rpc.Violation, len(invalid.Violations))
		for i, v := range invalid.Violations {
			violations[i] = rpc.Violation{Field: v.Field, Description: v.Description}
		}
		return rpc.Invalid(violations...)
	case errors.As(err, &invalidFile):
		return rpc.Invalid(rpc.Violation{Field: "file", Description: strings.TrimPrefix(invalidFile.Reason, "the file ")})
	case errors.As(err, &requestID):
		return rpc.Invalid(rpc.Violation{Field: "request_id", Description: strings.TrimPrefix(requestID.Error(), "the request id ")})
	case errors.As(err, &exists):
		return connect.NewError(connect.CodeAlreadyExists, err)
	case errors.As(err, &breaks):
		return withBreaks(breaks)
	case errors.As(err, &noEvent):
		return connect.NewError(connect.CodeNotFound, err)
	case errors.As(err, &notLoaded), errors.As(err, &secondModel), errors.As(err, &nothing), errors.Is(err, rollout.ErrStale), errors.Is(err, registry.ErrReadOnly):
		return s.coded(connect.CodeFailedPrecondition, err)
	}
	err = lookup.WireError(err)
	var coded *connect.Error
	var storeErr *registry.StoreError
	if !errors.As(err, &coded) && errors.As(err, &storeErr) {
		return s.coded(connect.CodeUnavailable, err)
	}
	return err
}

func withBreaks(breaks *registry.BreakError) error {
	failure := new(errdetails.PreconditionFailure)
	for _, b := range breaks.Breaks {
		failure.Violations = append(failure.Violations, &errdetails.PreconditionFailure_Violation{
			Type: "SIGNATURE", Subject: b.GetField(), Description: b.GetDescription(),
		})
	}
	err := connect.NewError(connect.CodeFailedPrecondition, breaks)
	if detail, detailErr := connect.NewErrorDetail(failure); detailErr == nil {
		err.AddDetail(detail)
	}
	return err
}
