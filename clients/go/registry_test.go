package sepal

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/registry/v1/registryv1connect"
)

// fakeRegistry keeps the requests that it gets, and answers each with what it asks for.
type fakeRegistry struct {
	registryv1connect.UnimplementedRegistryServiceHandler
	// fail decides what becomes of the n-th call (from 1); nil lets all pass.
	fail func(n int) error

	mu       sync.Mutex
	requests []proto.Message
}

var _ registryv1connect.RegistryServiceHandler = (*fakeRegistry)(nil)

func (f *fakeRegistry) admit(req proto.Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, req)
	if f.fail == nil {
		return nil
	}
	return f.fail(len(f.requests))
}

func (f *fakeRegistry) got() []proto.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

func (f *fakeRegistry) ListModels(_ context.Context, req *registryv1.ListModelsRequest) (*registryv1.ListModelsResponse, error) {
	return &registryv1.ListModelsResponse{NextPageToken: req.GetPageToken() + "+"}, f.admit(req)
}

func (f *fakeRegistry) GetModel(_ context.Context, req *registryv1.GetModelRequest) (*registryv1.GetModelResponse, error) {
	return &registryv1.GetModelResponse{Model: &registryv1.RegisteredModel{Name: req.GetModel()}}, f.admit(req)
}

func (f *fakeRegistry) ListVersions(_ context.Context, req *registryv1.ListVersionsRequest) (*registryv1.ListVersionsResponse, error) {
	return &registryv1.ListVersionsResponse{NextPageToken: req.GetModel() + "+"}, f.admit(req)
}

func (f *fakeRegistry) PublishVersion(_ context.Context, req *registryv1.PublishVersionRequest) (*registryv1.PublishVersionResponse, error) {
	return &registryv1.PublishVersionResponse{Version: &registryv1.ModelVersion{SizeBytes: uint32(len(req.GetFile()))}}, f.admit(req)
}

func (f *fakeRegistry) VerifyVersion(_ context.Context, req *registryv1.VerifyVersionRequest) (*registryv1.VerifyVersionResponse, error) {
	return &registryv1.VerifyVersionResponse{Model: req.GetModel(), Version: req.GetVersion()}, f.admit(req)
}

func (f *fakeRegistry) GetRollout(_ context.Context, req *registryv1.GetRolloutRequest) (*registryv1.GetRolloutResponse, error) {
	return &registryv1.GetRolloutResponse{Rollout: &registryv1.Rollout{Model: req.GetModel()}}, f.admit(req)
}

func (f *fakeRegistry) SetRollout(_ context.Context, req *registryv1.SetRolloutRequest) (*registryv1.SetRolloutResponse, error) {
	return &registryv1.SetRolloutResponse{Rollout: req.GetRollout()}, f.admit(req)
}

func (f *fakeRegistry) Rollback(_ context.Context, req *registryv1.RollbackRequest) (*registryv1.RollbackResponse, error) {
	return &registryv1.RollbackResponse{Rollout: &registryv1.Rollout{Revision: req.GetToRevision()}}, f.admit(req)
}

func (f *fakeRegistry) ListRolloutEvents(_ context.Context, req *registryv1.ListRolloutEventsRequest) (*registryv1.ListRolloutEventsResponse, error) {
	return &registryv1.ListRolloutEventsResponse{NextPageToken: req.GetModel() + "+"}, f.admit(req)
}

func (f *fakeRegistry) Reload(_ context.Context, req *registryv1.ReloadRequest) (*registryv1.ReloadResponse, error) {
	return &registryv1.ReloadResponse{Changed: true}, f.admit(req)
}

// start serves the registry and returns a client of it that retries at once.
func (f *fakeRegistry) start(t *testing.T, options ...Option) *Client {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(registryv1connect.NewRegistryServiceHandler(f))
	return dial(t, serve(t, mux).URL, append([]Option{WithRetry(RetryPolicy{InitialBackoff: time.Nanosecond})}, options...)...)
}

func TestEveryCallOfTheRegistryOnEveryWire(t *testing.T) {
	t.Parallel()
	for _, wire := range wires {
		t.Run(wire.name, func(t *testing.T) {
			t.Parallel()
			registry := &fakeRegistry{}
			client, ctx := registry.start(t, wire.options...), t.Context()
			check := func(rpc string, ok bool, err error) {
				t.Helper()
				if err != nil || !ok {
					t.Errorf("%s: %v, or not the answer to what was asked", rpc, err)
				}
			}
			models, err := client.ListModels(ctx, &registryv1.ListModelsRequest{PageToken: "a"})
			check("ListModels", models.GetNextPageToken() == "a+", err)
			model, err := client.GetModel(ctx, "length")
			check("GetModel", model.GetModel().GetName() == "length", err)
			versions, err := client.ListVersions(ctx, &registryv1.ListVersionsRequest{Model: "length"})
			check("ListVersions", versions.GetNextPageToken() == "length+", err)
			published, err := client.PublishVersion(ctx, &registryv1.PublishVersionRequest{File: []byte("model")})
			check("PublishVersion", published.GetVersion().GetSizeBytes() == 5, err)
			verified, err := client.VerifyVersion(ctx, "length", "v1.0.0")
			check("VerifyVersion", verified.GetModel() == "length" && verified.GetVersion() == "v1.0.0", err)
			rollout, err := client.GetRollout(ctx, "length")
			check("GetRollout", rollout.GetRollout().GetModel() == "length", err)
			set, err := client.SetRollout(ctx, &registryv1.SetRolloutRequest{Rollout: rollout.GetRollout()})
			check("SetRollout", set.GetRollout().GetModel() == "length", err)
			back, err := client.Rollback(ctx, &registryv1.RollbackRequest{ToRevision: 3})
			check("Rollback", back.GetRollout().GetRevision() == 3, err)
			events, err := client.ListRolloutEvents(ctx, &registryv1.ListRolloutEventsRequest{Model: "length"})
			check("ListRolloutEvents", events.GetNextPageToken() == "length+", err)
			reloaded, err := client.Reload(ctx)
			check("Reload", reloaded.GetChanged(), err)
			if n, want := len(registry.got()), registryv1.File_sepal_registry_v1_registry_service_proto.Services().Get(0).Methods().Len()-1; n != want {
				t.Errorf("%d calls arrived, expected %d: all of the service but GetVersion", n, want)
			}
		})
	}
}

// changes are the calls that change something.
var changes = map[string]struct {
	request proto.Message
	call    func(ctx context.Context, c *Client, request proto.Message) error
}{
	"PublishVersion": {
		&registryv1.PublishVersionRequest{File: bytes.Repeat([]byte("model"), 1000), Force: true, Actor: "ada", Reason: "better"},
		func(ctx context.Context, c *Client, request proto.Message) error {
			_, err := c.PublishVersion(ctx, request.(*registryv1.PublishVersionRequest))
			return err
		},
	},
	"SetRollout": {
		&registryv1.SetRolloutRequest{Rollout: &registryv1.Rollout{Model: "length", Shadows: []string{"v1.0.0"}, Labels: map[string]string{"best": "v1.0.0"}}},
		func(ctx context.Context, c *Client, request proto.Message) error {
			_, err := c.SetRollout(ctx, request.(*registryv1.SetRolloutRequest))
			return err
		},
	},
	"Rollback": {
		&registryv1.RollbackRequest{Model: "length", ToRevision: 7},
		func(ctx context.Context, c *Client, request proto.Message) error {
			_, err := c.Rollback(ctx, request.(*registryv1.RollbackRequest))
			return err
		},
	},
}

func requestID(t *testing.T, m proto.Message) string {
	t.Helper()
	identified, ok := m.(interface{ GetRequestId() string })
	if !ok {
		t.Fatalf("%T has no request id", m)
	}
	return identified.GetRequestId()
}

// withID returns a copy of the request with a request id.
func withID(m proto.Message, id string) proto.Message {
	m = proto.Clone(m)
	fields := m.ProtoReflect().Descriptor().Fields()
	m.ProtoReflect().Set(fields.ByName("request_id"), protoreflect.ValueOfString(id))
	return m
}

func TestAChangeThatIsTriedAgainHasOneRequestID(t *testing.T) {
	t.Parallel()
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := &fakeRegistry{fail: func(n int) error {
				if n < 3 {
					return refusal(connect.CodeUnavailable, "loading")
				}
				return nil
			}}
			client, sent := registry.start(t), proto.Clone(change.request)
			if err := change.call(t.Context(), client, sent); err != nil {
				t.Fatal(err)
			}
			if !proto.Equal(sent, change.request) {
				t.Errorf("the caller's request became %v", sent)
			}
			got := registry.got()
			if len(got) != 3 {
				t.Fatalf("%d requests arrived, expected 3", len(got))
			}
			id := requestID(t, got[0])
			if id == "" || len(id) > 64 {
				t.Errorf("the request id is %q, expected 1 to 64 bytes", id)
			}
			for i, arrived := range got {
				if !proto.Equal(arrived, withID(change.request, id)) {
					t.Errorf("request %d arrived as %v, expected what was sent with the request id %q", i, arrived, id)
				}
			}
			if err := change.call(t.Context(), client, sent); err != nil {
				t.Fatal(err)
			}
			if again := requestID(t, registry.got()[3]); again == id {
				t.Errorf("another call has the request id %q too", again)
			}
		})
	}
}

func TestARequestIDGivenIsKept(t *testing.T) {
	t.Parallel()
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := &fakeRegistry{}
			sent := withID(change.request, "mine")
			if err := change.call(t.Context(), registry.start(t), sent); err != nil {
				t.Fatal(err)
			}
			if got := registry.got(); !proto.Equal(got[0], sent) {
				t.Errorf("%v arrived, expected %v", got[0], sent)
			}
		})
	}
}

func TestIdentifiedSharesAndKeepsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	file := []byte("model")
	request := &registryv1.PublishVersionRequest{File: file}
	request.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 1000, protowire.VarintType), 1))
	got := identified(request)
	if got == request || &got.GetFile()[0] != &file[0] {
		t.Error("expected another request of the same bytes")
	}
	if !bytes.Equal(got.ProtoReflect().GetUnknown(), request.ProtoReflect().GetUnknown()) {
		t.Error("a field that is not known was lost")
	}
	if request.GetRequestId() != "" {
		t.Error("the request given was changed")
	}
	if got := identified[*registryv1.RollbackRequest](nil); got.GetRequestId() == "" {
		t.Error("the copy of no request has no request id")
	}
}

func TestPreconditionsAreReadOnEveryWire(t *testing.T) {
	t.Parallel()
	const message = `version "v2.0.0" breaks the signature of "v1.0.0"`
	for _, wire := range wires {
		t.Run(wire.name, func(t *testing.T) {
			t.Parallel()
			registry := &fakeRegistry{fail: func(int) error {
				return refusal(connect.CodeFailedPrecondition, message, &errdetails.PreconditionFailure{
					Violations: []*errdetails.PreconditionFailure_Violation{
						{Type: "SIGNATURE", Subject: "features[0]", Description: `feature "length_cm" was removed`},
						{Type: "DISK", Description: "is full"},
					},
				})
			}}
			_, err := registry.start(t, wire.options...).PublishVersion(t.Context(), &registryv1.PublishVersionRequest{})
			e := asError(t, err)
			want := []PreconditionViolation{{"SIGNATURE", "features[0]", `feature "length_cm" was removed`}, {Type: "DISK", Description: "is full"}}
			if e.Code != connect.CodeFailedPrecondition || !slices.Equal(e.Preconditions, want) {
				t.Errorf("code %v, preconditions %v; want failed_precondition, %v", e.Code, e.Preconditions, want)
			}
			if got := e.Error(); !strings.HasPrefix(got, "sepal: failed_precondition: "+message+" (") {
				t.Errorf("text %q, want the message once", got)
			}
			if got := want[0].String() + "; " + want[1].String(); got != `features[0]: feature "length_cm" was removed; is full` {
				t.Errorf("the violations read %q", got)
			}
		})
	}
}
