package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/registry/v1/registryv1connect"
	"github.com/sepal-ml/sepal/services/internal/testenv"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// startRegistry starts a server of a new registry folder.
func startRegistry(t testing.TB, versions ...string) *testenv.Env {
	t.Helper()
	o := testenv.Options()
	o.ModelPath = testenv.IrisRegistry(t, versions...)
	o.PollInterval = 0
	return testenv.Start(t, o)
}

func requireCode(t *testing.T, err error, want connect.Code, text string) *connect.Error {
	t.Helper()
	var made *connect.Error
	if !errors.As(err, &made) || made.Code() != want || !strings.Contains(made.Message(), text) {
		t.Fatalf("got error %v, expected %v with %q", err, want, text)
	}
	return made
}

// TestFoldersWhoseNamesAreNoText are listed among the problems, which are text.
func TestFoldersWhoseNamesAreNoText(t *testing.T) {
	t.Parallel()
	env := startRegistry(t, "v1.0.0")
	if err := os.Mkdir(filepath.Join(env.Options.ModelPath, "ros\xe9"), 0o750); err != nil {
		t.Skip(err) // not every file system has such names
	}
	client := env.Registry(t, testenv.Protocols()[0])
	reloaded, err := client.Reload(t.Context(), &registryv1.ReloadRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if problems := reloaded.GetProblems(); len(problems) != 1 || !strings.HasPrefix(problems[0], "folder ros\uFFFD: ") {
		t.Errorf("the problems are %q", problems)
	}
}

// TestRegistryOverEveryProtocol does what an operator does with a version, from its publication
// to the way back.
func TestRegistryOverEveryProtocol(t *testing.T) {
	t.Parallel()
	for _, p := range testenv.Protocols() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			env := startRegistry(t, "v1.0.0")
			operate(t, env.Registry(t, p), func() *predictionv1.PredictResponse {
				response, err := env.Prediction(t, p).Predict(t.Context(), &predictionv1.PredictRequest{
					Features: []float64{5.1, 3.5, 1.4, 0.2}, SubjectId: "user-1",
				})
				if err != nil {
					t.Fatal(err)
				}
				return response
			})
		})
	}
}

func operate(t *testing.T, client registryv1connect.RegistryServiceClient, predict func() *predictionv1.PredictResponse) {
	ctx := t.Context()
	requireAnswer := func(version, variant string) {
		t.Helper()
		if r := predict(); r.GetModelVersion() != version || r.GetVariant() != variant {
			t.Errorf("%s of variant %q answers, expected %s of %q", r.GetModelVersion(), r.GetVariant(), version, variant)
		}
	}
	requireAnswer("v1.0.0", "stable")
	published, err := client.PublishVersion(ctx, &registryv1.PublishVersionRequest{
		File: testenv.IrisFile(t, "v1.1.0"), Actor: "ada", Reason: "more rows", RequestId: "p-1",
	})
	if err != nil {
		t.Fatal(err)
	}
	if e := published.GetEvent(); e.GetActor() != "ada" || e.GetReason() != "more rows" || e.GetPeer() == "" || e.GetVersion() != "v1.1.0" || e.GetTime() == nil {
		t.Errorf("the event is %v, expected who published what, when and why", e)
	}
	requireAnswer("v1.0.0", "stable")

	now, err := client.GetRollout(ctx, &registryv1.GetRolloutRequest{})
	if err != nil {
		t.Fatal(err)
	}
	wanted := now.GetRollout()
	wanted.Variants = []*registryv1.Variant{{Name: "canary", Version: "v1.1.0", Weight: 10_000}}
	stale := proto.CloneOf(wanted)
	set, err := client.SetRollout(ctx, &registryv1.SetRolloutRequest{Rollout: wanted, Reason: "all of it"})
	if err != nil {
		t.Fatal(err)
	}
	if got := set.GetEvent().GetSummary(); got != "variant + canary v1.1.0 100 %" {
		t.Errorf("the summary is %q", got)
	}
	requireAnswer("v1.1.0", "canary")
	_, err = client.SetRollout(ctx, &registryv1.SetRolloutRequest{Rollout: stale})
	requireCode(t, err, connect.CodeFailedPrecondition, "revision 2")
	if _, err := client.Rollback(ctx, &registryv1.RollbackRequest{Reason: "worse"}); err != nil {
		t.Fatal(err)
	}
	requireAnswer("v1.0.0", "stable")

	events, err := client.ListRolloutEvents(ctx, &registryv1.ListRolloutEventsRequest{PageSize: 2})
	if err != nil {
		t.Fatal(err)
	}
	rest, err := client.ListRolloutEvents(ctx, &registryv1.ListRolloutEventsRequest{PageToken: events.GetNextPageToken()})
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, e := range append(events.GetEvents(), rest.GetEvents()...) {
		reasons = append(reasons, e.GetReason())
	}
	if got := strings.Join(reasons, ", "); got != "worse, all of it, more rows" || len(events.GetEvents()) != 2 || rest.GetNextPageToken() != "" {
		t.Errorf("the history says %q, in pages of %d and %d", got, len(events.GetEvents()), len(rest.GetEvents()))
	}
}

func TestBreakingVersionsAreRefusedWithWhatTheyBreak(t *testing.T) {
	t.Parallel()
	env := startRegistry(t, "v1.0.0")
	message, _, err := native.Decode(testenv.IrisFile(t, "v2.0.0"))
	if err != nil {
		t.Fatal(err)
	}
	message.Signature.Features[1].Name = "width"
	message.Classes[0] = "other"
	file, err := native.Encode(message, native.JSON)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range testenv.Protocols() {
		_, err := env.Registry(t, p).PublishVersion(t.Context(), &registryv1.PublishVersionRequest{File: file})
		made := requireCode(t, err, connect.CodeFailedPrecondition, `feature "sepal_width_cm" was renamed to "width", class "setosa" was removed`)
		value, err := made.Details()[0].Value()
		if err != nil {
			t.Fatal(err)
		}
		failure, ok := value.(*errdetails.PreconditionFailure)
		if !ok || len(failure.GetViolations()) != 2 || failure.GetViolations()[1].GetSubject() != "classes[0]" {
			t.Errorf("%s: the details are %v, expected the two breaks", p.Name, value)
		}
	}
	forced, err := env.Registry(t, testenv.Protocols()[0]).PublishVersion(t.Context(), &registryv1.PublishVersionRequest{File: file, Force: true})
	if err != nil {
		t.Fatal(err)
	}
	if !forced.GetEvent().GetForced() || len(forced.GetEvent().GetBreaks()) != 2 {
		t.Errorf("the event is %v, expected that it was forced", forced.GetEvent())
	}
}

func TestRegistryErrors(t *testing.T) {
	t.Parallel()
	env := startRegistry(t, "v1.0.0")
	client := env.Registry(t, testenv.Protocols()[0])
	o := testenv.Options()
	o.ModelPath = ""
	readOnly := testenv.Start(t, o).Registry(t, testenv.Protocols()[0])
	message, _, err := native.Decode(testenv.IrisFile(t, "v1.0.0"))
	if err != nil {
		t.Fatal(err)
	}
	another, err := native.Encode(message, native.JSON)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for name, test := range map[string]struct {
		call func() error
		code connect.Code
		text string
	}{
		"no such model": {func() error {
			_, err := client.GetRollout(ctx, &registryv1.GetRolloutRequest{Model: "rose"})
			return err
		}, connect.CodeNotFound, `there is no model "rose"; there are: iris`},
		"no such version": {func() error {
			_, err := client.VerifyVersion(ctx, &registryv1.VerifyVersionRequest{Version: "v9.0.0"})
			return err
		}, connect.CodeNotFound, `model "iris" has no version "v9.0.0"; it has: v1.0.0`},
		"no such event": {func() error {
			_, err := client.Rollback(ctx, &registryv1.RollbackRequest{ToRevision: 7})
			return err
		}, connect.CodeNotFound, "7"},
		"nothing to go back to": {func() error {
			_, err := client.Rollback(ctx, &registryv1.RollbackRequest{})
			return err
		}, connect.CodeFailedPrecondition, "nothing to go back to"},
		"version that is there": {func() error {
			_, err := client.PublishVersion(ctx, &registryv1.PublishVersionRequest{File: another})
			return err
		}, connect.CodeAlreadyExists, `model "iris" has a version "v1.0.0" already`},
		"no model file": {func() error {
			_, err := client.PublishVersion(ctx, &registryv1.PublishVersionRequest{File: []byte("PK")})
			return err
		}, connect.CodeInvalidArgument, "file has format version 0"},
		"page token": {func() error {
			_, err := client.ListVersions(ctx, &registryv1.ListVersionsRequest{PageToken: "x"})
			return err
		}, connect.CodeInvalidArgument, "page_token is not the token of a page of this list"},
		"version not loaded": {func() error {
			_, err := client.SetRollout(ctx, &registryv1.SetRolloutRequest{Rollout: &registryv1.Rollout{Model: "iris", Stable: "v9.0.0", Etag: "r0"}})
			return err
		}, connect.CodeFailedPrecondition, `the rollout names version "v9.0.0", which model "iris" does not have`},
		"weights above all": {func() error {
			_, err := client.SetRollout(ctx, &registryv1.SetRolloutRequest{Rollout: &registryv1.Rollout{
				Model: "iris", Stable: "v1.0.0", Etag: "r0", Variants: []*registryv1.Variant{{Version: "v1.0.0", Weight: 10_001}},
			}})
			return err
		}, connect.CodeInvalidArgument, "rollout.variants[0].weight"},
		"without etag": {func() error {
			_, err := client.SetRollout(ctx, &registryv1.SetRolloutRequest{Rollout: &registryv1.Rollout{Model: "iris", Stable: "v1.0.0"}})
			return err
		}, connect.CodeInvalidArgument, "rollout.etag"},
		"long reason": {func() error {
			_, err := client.Rollback(ctx, &registryv1.RollbackRequest{Reason: strings.Repeat("x", 1025)})
			return err
		}, connect.CodeInvalidArgument, "reason"},
		"read only": {func() error {
			_, err := readOnly.PublishVersion(ctx, &registryv1.PublishVersionRequest{File: another})
			return err
		}, connect.CodeFailedPrecondition, "this registry cannot be written to: it is the built-in one; serve a folder or a bucket"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireCode(t, test.call(), test.code, test.text)
		})
	}
}

// TestChangesFromElsewhereAreRefused calls this machine by names and ways that others have.
func TestChangesFromElsewhereAreRefused(t *testing.T) {
	t.Parallel()
	env := startRegistry(t, "v1.0.0")
	for name, change := range map[string]func(*http.Request){
		"another name":                       func(r *http.Request) { r.Host = "evil.example" },
		"a name that begins":                 func(r *http.Request) { r.Host = "localhost.evil.example:50051" },
		"another address":                    func(r *http.Request) { r.Host = "192.0.2.7:50051" },
		"a proxy":                            func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.7") },
		"a proxy that says what it is":       func(r *http.Request) { r.Header.Set("Via", "1.1 proxy") },
		"a proxy that says how it is called": func(r *http.Request) { r.Header.Set("X-Forwarded-Host", "localhost") },
	} {
		for _, p := range testenv.Protocols() {
			t.Run(name+"/"+p.Name, func(t *testing.T) {
				t.Parallel()
				client := registryv1connect.NewRegistryServiceClient(requestChanger{testenv.HTTPClient(t, p.HTTP2()), change}, env.URL, p.Options()...)
				_, err := client.Reload(t.Context(), &registryv1.ReloadRequest{})
				requireCode(t, err, connect.CodePermissionDenied, "changes are taken only from the server's own machine")
				if _, err := client.GetRollout(t.Context(), &registryv1.GetRolloutRequest{}); err != nil {
					t.Errorf("reading is refused too: %v", err)
				}
			})
		}
	}
	requireOrigins(t, env)
	for _, host := range []string{"localhost", "LOCALHOST:1", "127.0.0.1:50051", "[::1]:50051", "models.localhost", "127.3.2.1"} {
		client := registryv1connect.NewRegistryServiceClient(requestChanger{http.DefaultClient, func(r *http.Request) { r.Host = host }}, env.URL)
		if _, err := client.Reload(t.Context(), &registryv1.ReloadRequest{}); err != nil {
			t.Errorf("called as %s: %v", host, err)
		}
	}
}

// requireOrigins has pages call that browsers on the server's machine show: those of other origins
// are refused, the server's own is not.
func requireOrigins(t *testing.T, env *testenv.Env) {
	t.Helper()
	o := testenv.Options()
	o.ModelPath = testenv.IrisRegistry(t, "v1.0.0")
	o.CORSOrigins = []string{"*"}
	open := testenv.Start(t, o)
	port := func(e *testenv.Env) string { return e.Address[strings.LastIndex(e.Address, ":"):] }
	for _, e := range []*testenv.Env{env, open} {
		for _, test := range []struct {
			host, origin string
			code         connect.Code // 0: taken
		}{
			{e.Address, "https://evil.example", connect.CodePermissionDenied},
			{e.Address, "null", connect.CodePermissionDenied},
			{e.Address, "http://127.0.0.1:1", connect.CodePermissionDenied},
			{e.Address, "https://" + e.Address, connect.CodePermissionDenied},
			{e.Address, "http://localhost" + port(e), connect.CodePermissionDenied},
			{e.Address, "http://" + e.Address, 0},
			{"localhost" + port(e), "http://localhost" + port(e), 0},
		} {
			for _, p := range testenv.Protocols() {
				client := registryv1connect.NewRegistryServiceClient(requestChanger{testenv.HTTPClient(t, p.HTTP2()), func(r *http.Request) {
					r.Host = test.host
					r.Header.Set("Origin", test.origin)
				}}, e.URL, p.Options()...)
				_, err := client.Reload(t.Context(), &registryv1.ReloadRequest{})
				switch {
				case test.code != 0:
					requireCode(t, err, test.code, "changes are taken only from the server's own page")
				case err != nil:
					t.Errorf("%s: the server's own page %s is refused: %v", p.Name, test.origin, err)
				}
			}
		}
	}
}

type requestChanger struct {
	client *http.Client
	change func(*http.Request)
}

func (c requestChanger) Do(r *http.Request) (*http.Response, error) {
	c.change(r)
	return c.client.Do(r)
}

// TestHostileFilesLeaveWhatServes drops files into the registry that are made to do harm.
func TestHostileFilesLeaveWhatServes(t *testing.T) {
	t.Parallel()
	env := startRegistry(t, "v1.0.0")
	client := env.Registry(t, testenv.Protocols()[0])
	root := env.Options.ModelPath
	hostile := map[string][]byte{
		"v2.0.0/model.pkl":    []byte("cos\nsystem\n(S'touch hacked'\ntR."),
		"v2.0.1/model.binpb":  testenv.IrisFile(t, "v2.0.1")[:100],
		"v2.0.2/model.onnx":   {0x08, 0x08, 0x3a, 0xff, 0xff, 0xff, 0xff, 0x7f},
		"v2.0.3/model.joblib": {0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 3, 0xff, 0xff},
	}
	for name, data := range hostile {
		path := filepath.Join(root, "iris", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.Reload(t.Context(), &registryv1.ReloadRequest{}); err != nil {
		t.Fatal(err)
	}
	listed, err := client.ListVersions(t.Context(), &registryv1.ListVersionsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range listed.GetVersions() {
		_, isHostile := map[string]bool{"v2.0.0": true, "v2.0.1": true, "v2.0.2": true, "v2.0.3": true}[v.GetVersion()]
		if failed := v.GetState() == registryv1.VersionState_VERSION_STATE_FAILED; failed != isHostile || failed != (v.GetReason() != "") {
			t.Errorf("%s is in state %v for the reason %q", v.GetVersion(), v.GetState(), v.GetReason())
		}
	}
	if len(listed.GetVersions()) != 1+len(hostile) {
		t.Errorf("%d versions are listed, expected %d", len(listed.GetVersions()), 1+len(hostile))
	}
	health, err := env.Prediction(t, testenv.Protocols()[0]).Health(context.Background(), &predictionv1.HealthRequest{})
	if err != nil || health.GetModelVersion() != "v1.0.0" {
		t.Errorf("%v serves (%v), expected v1.0.0", health, err)
	}
	if got := fmt.Sprint(env.Log); !strings.Contains(got, "version not loaded") {
		t.Error("the log does not say so")
	}
}
