package registryapi

import (
	"context"
	"net"
	"time"

	"connectrpc.com/connect"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/rollout"
	"github.com/sepal-ml/sepal/services/internal/rpc"
)

// changeRequest is what the requests of all changes have.
type changeRequest interface {
	GetActor() string
	GetReason() string
	GetRequestId() string
}

// changeOf says who asks for a change, when and why.
func changeOf(ctx context.Context, request changeRequest) rollout.Change {
	c := rollout.Change{
		Time:      time.Now(),
		Actor:     request.GetActor(),
		Reason:    request.GetReason(),
		RequestID: request.GetRequestId(),
	}
	// Who is known by name need not be believed.
	if p := rpc.PrincipalFrom(ctx); p != nil {
		c.Actor = p.Name
	}
	if call, ok := connect.CallInfoForHandlerContext(ctx); ok {
		if host, _, err := net.SplitHostPort(call.Peer().Addr); err == nil {
			c.Peer = host
		}
	}
	return c
}

// PublishVersion adds a version to the registry.
func (s *Service) PublishVersion(ctx context.Context, request *registryv1.PublishVersionRequest) (*registryv1.PublishVersionResponse, error) {
	p, err := s.models.Publish(ctx, request.GetFile(), request.GetForce(), changeOf(ctx, request))
	if err != nil {
		return nil, s.wireError(err)
	}
	return &registryv1.PublishVersionResponse{Version: s.describeVersion(p.Version), Event: p.Event}, nil
}

// SetRollout replaces the rollout of a model.
func (s *Service) SetRollout(ctx context.Context, request *registryv1.SetRolloutRequest) (*registryv1.SetRolloutResponse, error) {
	event, err := s.models.SetRollout(ctx, request.GetRollout(), changeOf(ctx, request))
	if err != nil {
		return nil, s.wireError(err)
	}
	now, err := s.rollout(request.GetRollout().GetModel())
	if err != nil {
		return nil, err
	}
	return &registryv1.SetRolloutResponse{Rollout: now, Event: event}, nil
}

// Rollback brings an earlier rollout back.
func (s *Service) Rollback(ctx context.Context, request *registryv1.RollbackRequest) (*registryv1.RollbackResponse, error) {
	event, err := s.models.Rollback(ctx, request.GetModel(), request.GetToRevision(), changeOf(ctx, request))
	if err != nil {
		return nil, s.wireError(err)
	}
	now, err := s.rollout(request.GetModel())
	if err != nil {
		return nil, err
	}
	return &registryv1.RollbackResponse{Rollout: now, Event: event}, nil
}

func (s *Service) rollout(model string) (*registryv1.Rollout, error) {
	m, err := s.models.Current().Model(model)
	if err != nil {
		return nil, s.wireError(err)
	}
	return m.Rollout, nil
}
