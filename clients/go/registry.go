package sepal

import (
	"context"
	"crypto/rand"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
)

// ListModels lists the models by name, a page at a time. It fails with
// [connect.CodeInvalidArgument] for a page token that the server did not give.
func (c *Client) ListModels(
	ctx context.Context, req *registryv1.ListModelsRequest,
) (*registryv1.ListModelsResponse, error) {
	return invoke(ctx, c, c.registry.ListModels, req)
}

// GetModel describes a model: which of its versions answer which requests, and what of it is not
// in force. An empty model is the server's default model. It fails with [connect.CodeNotFound]
// when there is none such.
func (c *Client) GetModel(ctx context.Context, model string) (*registryv1.GetModelResponse, error) {
	return invoke(ctx, c, c.registry.GetModel, &registryv1.GetModelRequest{Model: model})
}

// ListVersions lists the versions of a model, the newest first, a page at a time; those that could
// not be loaded too. It fails as GetModel does, and as ListModels.
func (c *Client) ListVersions(
	ctx context.Context, req *registryv1.ListVersionsRequest,
) (*registryv1.ListVersionsResponse, error) {
	return invoke(ctx, c, c.registry.ListVersions, req)
}

// PublishVersion adds a version to the registry, loaded and without traffic, unless it is the
// first of its model. A request without a request id is sent with one, so that trying again
// publishes once.
//
// It fails with [connect.CodeInvalidArgument] when the file is no model file, with
// [connect.CodeAlreadyExists] when there is such a version, and with
// [connect.CodeFailedPrecondition] when the registry cannot be written to, or when the version
// breaks the signature of the stable one and Force is not set: Preconditions of the [*Error] lists
// how. A file of more than [WithMaxMessageBytes] is not sent.
func (c *Client) PublishVersion(
	ctx context.Context, req *registryv1.PublishVersionRequest,
) (*registryv1.PublishVersionResponse, error) {
	return invoke(ctx, c, c.registry.PublishVersion, identified(req))
}

// VerifyVersion reads the file of a version again and checks it. An empty model is the server's
// default model, an empty version its stable one. A check that fails is no error of the call; it
// fails as GetVersion does.
func (c *Client) VerifyVersion(
	ctx context.Context, model, version string,
) (*registryv1.VerifyVersionResponse, error) {
	req := &registryv1.VerifyVersionRequest{Model: model, Version: version}
	return invoke(ctx, c, c.registry.VerifyVersion, req)
}

// GetRollout says which versions of a model answer which requests, and how its shadows agree. An
// empty model is the server's default model. It fails as GetModel does.
func (c *Client) GetRollout(ctx context.Context, model string) (*registryv1.GetRolloutResponse, error) {
	return invoke(ctx, c, c.registry.GetRollout, &registryv1.GetRolloutRequest{Model: model})
}

// SetRollout replaces the rollout of a model: the one of GetRollout, changed. A request without a
// request id is sent with one, so that trying again sets it once.
//
// It fails with [connect.CodeInvalidArgument] when the rollout cannot be, with
// [connect.CodeFailedPrecondition] when somebody changed it since GetRollout, when it names a
// version that is not loaded, or when the registry cannot be written to, and as GetModel does.
func (c *Client) SetRollout(
	ctx context.Context, req *registryv1.SetRolloutRequest,
) (*registryv1.SetRolloutResponse, error) {
	return invoke(ctx, c, c.registry.SetRollout, identified(req))
}

// Rollback brings an earlier rollout of a model back, by default the one before the present one. A
// request without a request id is sent with one, so that trying again goes back once.
//
// It fails with [connect.CodeNotFound] when there is no such event, with
// [connect.CodeFailedPrecondition] when there is nothing to go back to, a version of that rollout
// is not loaded, or the registry cannot be written to, and as GetModel does.
func (c *Client) Rollback(
	ctx context.Context, req *registryv1.RollbackRequest,
) (*registryv1.RollbackResponse, error) {
	return invoke(ctx, c, c.registry.Rollback, identified(req))
}

// ListRolloutEvents lists who changed what of a model, the latest first, a page at a time. It
// fails as ListVersions does.
func (c *Client) ListRolloutEvents(
	ctx context.Context, req *registryv1.ListRolloutEventsRequest,
) (*registryv1.ListRolloutEventsResponse, error) {
	return invoke(ctx, c, c.registry.ListRolloutEvents, req)
}

// Reload has the server look at its registry now. It fails with [connect.CodeUnavailable] when the
// registry cannot be read; what was served goes on.
func (c *Client) Reload(ctx context.Context) (*registryv1.ReloadResponse, error) {
	return invoke(ctx, c, c.registry.Reload, &registryv1.ReloadRequest{})
}

// identified returns a request that the server takes once, however often it arrives: the one given
// where it has a request id, else a copy that has one. The copy shares what the request refers to,
// such as the bytes of a file.
func identified[Req interface {
	proto.Message
	GetRequestId() string
}](req Req) Req {
	if req.GetRequestId() != "" {
		return req
	}
	from := req.ProtoReflect()
	to := from.New()
	from.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		to.Set(field, value)
		return true
	})
	to.SetUnknown(from.GetUnknown())
	to.Set(to.Descriptor().Fields().ByName("request_id"), protoreflect.ValueOfString(rand.Text()))
	// New makes what from is.
	copied, _ := to.Interface().(Req)
	return copied
}
