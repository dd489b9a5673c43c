package server_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/emptypb"

	accessv1 "github.com/sepal-ml/sepal/gen/go/sepal/access/v1"
	monitoringv1 "github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1"
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/identity"
	"github.com/sepal-ml/sepal/services/internal/testenv"
	"github.com/sepal-ml/sepal/services/server"
)

// token returns the static token of a caller: of no use anywhere else.
func token(name string) string {
	return fmt.Sprintf("%s%043s", identity.TokenPrefix, name)
}

// known returns options of a server with callers of those names and scopes.
func known(t testing.TB, o server.Options, scopes map[string]string) server.Options {
	t.Helper()
	var lines strings.Builder
	for name, granted := range scopes {
		fmt.Fprintf(&lines, "%s %s sha256:%x\n", name, granted, sha256.Sum256([]byte(token(name))))
	}
	o.Identity.PrincipalsFile = filepath.Join(t.TempDir(), "principals")
	if err := os.WriteFile(o.Identity.PrincipalsFile, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return o
}

// everyone has a caller for each scope.
func everyone() map[string]string {
	return map[string]string{"predict": "predict", "read": "read", "publish": "publish", "admin": "admin"}
}

// startKnown starts a server of a new registry that knows everyone.
func startKnown(t testing.TB) *testenv.Env {
	t.Helper()
	o := testenv.Options()
	o.ModelPath, o.PollInterval = testenv.IrisRegistry(t, "v1.0.0"), 0
	return testenv.Start(t, known(t, o, everyone()))
}

// bearing returns a client that says so who it is; nobody with an empty name.
func bearing(t testing.TB, name string, http2 bool) *http.Client {
	t.Helper()
	client := testenv.HTTPClient(t, http2)
	if name != "" {
		client.Transport = bearer{client.Transport, token(name)}
	}
	return client
}

type bearer struct {
	http.RoundTripper
	token string
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.RoundTripper.RoundTrip(r)
}

// method is an RPC of the contract.
type method struct {
	path    string
	scope   accessv1.Scope
	streams connect.StreamType
	reads   bool // it changes nothing
}

// contract returns all RPCs of the contract.
func contract(t testing.TB) []method {
	t.Helper()
	var all []method
	for _, file := range []protoreflect.FileDescriptor{
		predictionv1.File_sepal_prediction_v1_prediction_service_proto,
		registryv1.File_sepal_registry_v1_registry_service_proto,
		monitoringv1.File_sepal_monitoring_v1_monitoring_service_proto,
	} {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				m := methods.Get(j)
				options, _ := m.Options().(*descriptorpb.MethodOptions)
				scope, _ := proto.GetExtension(options, accessv1.E_Scope).(accessv1.Scope)
				called := method{
					path:  fmt.Sprintf("/%s/%s", m.Parent().FullName(), m.Name()),
					scope: scope,
					reads: options.GetIdempotencyLevel() == descriptorpb.MethodOptions_NO_SIDE_EFFECTS,
				}
				if m.IsStreamingClient() {
					called.streams |= connect.StreamTypeClient
				}
				if m.IsStreamingServer() {
					called.streams |= connect.StreamTypeServer
				}
				all = append(all, called)
			}
		}
	}
	if len(all) < 15 {
		t.Fatalf("the contract has %d RPCs, expected all of them", len(all))
	}
	return all
}

// call sends a request of nothing and returns the error that it is answered with.
func call(ctx context.Context, client *http.Client, url string, m method, options ...connect.ClientOption) error {
	if m.reads {
		options = append(options[:len(options):len(options)], connect.WithIdempotency(connect.IdempotencyNoSideEffects))
	}
	c := connect.NewClient[emptypb.Empty, emptypb.Empty](client, url+m.path, options...)
	switch m.streams {
	case connect.StreamTypeUnary:
		_, err := c.CallUnary(ctx, connect.NewRequest(new(emptypb.Empty)))
		return err
	case connect.StreamTypeServer:
		stream, err := c.CallServerStream(ctx, connect.NewRequest(new(emptypb.Empty)))
		if err != nil {
			return err
		}
		for stream.Receive() {
			continue
		}
		return errors.Join(stream.Err(), stream.Close())
	default:
		stream := c.CallBidiStream(ctx)
		_ = stream.Send(new(emptypb.Empty)) // what is wrong is what Receive says
		err := stream.CloseRequest()
		for err == nil {
			_, err = stream.Receive()
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return errors.Join(err, stream.CloseResponse())
	}
}

// allowed are who may call what needs a scope.
func allowed(scope accessv1.Scope) map[string]bool {
	return map[accessv1.Scope]map[string]bool{
		accessv1.Scope_SCOPE_NONE:    {"": true, "predict": true, "read": true, "publish": true, "admin": true},
		accessv1.Scope_SCOPE_PREDICT: {"predict": true, "admin": true},
		accessv1.Scope_SCOPE_READ:    {"read": true, "publish": true, "admin": true},
		accessv1.Scope_SCOPE_PUBLISH: {"publish": true, "admin": true},
		accessv1.Scope_SCOPE_ADMIN:   {"admin": true},
	}[scope]
}

// TestEveryRPCAsksForItsScope calls every RPC of the contract in every protocol as everyone.
func TestEveryRPCAsksForItsScope(t *testing.T) {
	t.Parallel()
	for _, p := range testenv.Protocols() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			env := startKnown(t)
			for _, name := range []string{"", "predict", "read", "publish", "admin"} {
				client := bearing(t, name, p.HTTP2())
				for _, m := range contract(t) {
					if m.streams == connect.StreamTypeBidi && !p.HTTP2() {
						continue
					}
					got := connect.CodeOf(call(t.Context(), client, env.URL, m, p.Options()...))
					passes := got != connect.CodeUnauthenticated && got != connect.CodePermissionDenied
					switch {
					case passes != allowed(m.scope)[name]:
						t.Errorf("%s as %q: got %v", m.path, name, got)
					case !passes && (name == "") != (got == connect.CodeUnauthenticated):
						t.Errorf("%s as %q: got %v, expected the other", m.path, name, got)
					}
				}
			}
		})
	}
}

func TestWhoIsRefusedReadsWhy(t *testing.T) {
	t.Parallel()
	env := startKnown(t)
	promote := method{path: "/sepal.registry.v1.RegistryService/SetRollout"}
	for _, p := range testenv.Protocols() {
		err := call(t.Context(), bearing(t, "read", p.HTTP2()), env.URL, promote, p.Options()...)
		requireCode(t, err, connect.CodePermissionDenied, `the call needs the scope "admin", which "read" does not have; it has: read`)
		err = call(t.Context(), bearing(t, "", p.HTTP2()), env.URL, promote, p.Options()...)
		requireCode(t, err, connect.CodeUnauthenticated, "say who you are: send a token, as `Authorization: Bearer TOKEN`")
		err = call(t.Context(), bearing(t, "nobody", p.HTTP2()), env.URL, promote, p.Options()...)
		requireCode(t, err, connect.CodeUnauthenticated, "the token is not valid here")
	}
	if log := env.Log.String(); strings.Contains(log, token("nobody")) || strings.Contains(log, token("read")) {
		t.Error("a token is in the log")
	}
	// Each is there once, and says whom and why.
	refused := map[string]int{}
	for line := range strings.Lines(env.Log.String()) {
		if strings.Contains(line, promote.path) {
			for _, part := range []string{`"principal":"read"`, `"code":"permission_denied","reason":"scope"`, `"reason":"missing: `, `"reason":"unknown_token: `} {
				if strings.Contains(line, part) {
					refused[part]++
				}
			}
		}
	}
	for part, n := range refused {
		if n != len(testenv.Protocols()) {
			t.Errorf("%s is %d times in the log, expected %d", part, n, len(testenv.Protocols()))
		}
	}
	if len(refused) != 4 {
		t.Errorf("the log has %v of\n%s", refused, env.Log)
	}
}

// answer is an answer to GET.
type answer struct {
	status int
	header http.Header
	text   string
}

func get(t *testing.T, client *http.Client, url string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

func TestWhatIsOpenAndWhatIsNot(t *testing.T) {
	t.Parallel()
	env := startKnown(t)
	for _, test := range []struct {
		path, name string
		want       int
		challenge  string
	}{
		{"/livez", "", 200, ""},
		{"/readyz", "", 200, ""},
		{"/readyz", "nobody", 200, ""}, // who need not say who they are may say nonsense
		{"/", "", 200, ""},
		{"/metrics", "", 401, "Bearer"},
		{"/metrics", "nobody", 401, `Bearer error="invalid_token"`},
		{"/metrics", "predict", 403, `Bearer error="insufficient_scope", scope="read"`},
		{"/metrics", "read", 200, ""},
		{"/metrics", "admin", 200, ""},
		{"/no/such/page", "", 401, "Bearer"},
		{"/no/such/page", "predict", 404, ""},
		{"/sepal.registry.v1.RegistryService/ListModels?connect=v1&encoding=json&message=%7B%7D", "", 401, "Bearer"},
		{"/sepal.registry.v1.RegistryService/ListModels?connect=v1&encoding=json&message=%7B%7D", "read", 200, ""},
		{"/sepal.registry.v1.RegistryService%2FListModels?connect=v1&encoding=json&message=%7B%7D", "", 401, "Bearer"},
		{"//metrics", "", 401, "Bearer"},
		{"/%6detrics", "", 401, "Bearer"},
		{"/x/../metrics", "", 401, "Bearer"},
	} {
		got := get(t, bearing(t, test.name, false), env.URL+test.path)
		if got.status != test.want || got.header.Get("WWW-Authenticate") != test.challenge {
			t.Errorf("%s as %q: got %d with the challenge %q, expected %d with %q",
				test.path, test.name, got.status, got.header.Get("WWW-Authenticate"), test.want, test.challenge)
		}
	}
	got := get(t, bearing(t, "", false), env.URL+"/metrics")
	if !strings.HasPrefix(got.text, "say who you are: ") || got.header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("/metrics is refused with %q, %v", got.text, got.header)
	}
}

func TestRPCsThatAreNotOfTheContract(t *testing.T) {
	t.Parallel()
	env := startKnown(t)
	check := method{path: "/grpc.health.v1.Health/Check"}
	reflection := method{path: "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", streams: connect.StreamTypeBidi}
	older := reflection
	older.path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
	unheard := method{path: "/sepal.prediction.v1.PredictionService/Guess"}
	for _, p := range testenv.Protocols() {
		for _, test := range []struct {
			method
			name string
			want connect.Code // 0: well
		}{
			{check, "", 0},
			{reflection, "", connect.CodeUnauthenticated},
			{reflection, "predict", connect.CodePermissionDenied},
			{reflection, "read", 0},
			{older, "", connect.CodeUnauthenticated},
			{older, "predict", connect.CodePermissionDenied},
			{older, "read", 0},
			{unheard, "", connect.CodeUnauthenticated},
			{unheard, "predict", connect.CodeUnimplemented},
		} {
			if test.streams == connect.StreamTypeBidi && !p.HTTP2() {
				continue
			}
			err := call(t.Context(), bearing(t, test.name, p.HTTP2()), env.URL, test.method, p.Options()...)
			var got connect.Code
			if err != nil {
				got = connect.CodeOf(err)
			}
			if test.want == 0 && test.streams == connect.StreamTypeBidi && got == connect.CodeInvalidArgument {
				continue // a question of nothing has passed the guard
			}
			if got != test.want {
				t.Errorf("%s: %s as %q: got %v, expected the code %d", p.Name, test.path, test.name, err, test.want)
			}
		}
	}
}

// TestChangesFromElsewhere are taken from who may, wherever they are.
func TestChangesFromElsewhere(t *testing.T) {
	t.Parallel()
	env := startKnown(t)
	client := bearing(t, "admin", false)
	for name, header := range map[string]string{"X-Forwarded-For": "203.0.113.7", "Origin": "https://console.example.com"} {
		transport := client.Transport
		elsewhere := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			r.Header.Set(name, header)
			return transport.RoundTrip(r)
		})}
		if err := call(t.Context(), elsewhere, env.URL, method{path: "/sepal.registry.v1.RegistryService/Reload"}); err != nil {
			t.Errorf("with %s: %v", name, err)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWhoIsKnownIsTheActor(t *testing.T) {
	t.Parallel()
	env := startKnown(t)
	for i, p := range testenv.Protocols() {
		c := connect.NewClient[registryv1.PublishVersionRequest, registryv1.PublishVersionResponse](
			bearing(t, "publish", p.HTTP2()), env.URL+"/sepal.registry.v1.RegistryService/PublishVersion", p.Options()...)
		response, err := c.CallUnary(t.Context(), connect.NewRequest(&registryv1.PublishVersionRequest{
			File: testenv.IrisFile(t, fmt.Sprintf("v1.1.%d", i)), Actor: "somebody else", Reason: "ada asked for it",
		}))
		if err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		if e := response.Msg.GetEvent(); e.GetActor() != "publish" || e.GetReason() != "ada asked for it" {
			t.Errorf("%s: the event is by %q because of %q", p.Name, e.GetActor(), e.GetReason())
		}
	}
}

func TestTheServerWarnsThatAnyoneMayAsk(t *testing.T) {
	t.Parallel()
	const warning = "anyone who reaches this address"
	for name, test := range map[string]struct {
		host  string
		known bool
		want  int
	}{
		"everywhere":               {"0.0.0.0", false, 1},
		"everywhere, to the known": {"0.0.0.0", true, 0},
		"this machine":             {"127.0.0.1", false, 0},
		"this machine by its name": {"localhost", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := testenv.Options()
			o.Host = test.host
			if test.known {
				o = known(t, o, everyone())
			}
			env := testenv.Start(t, o)
			if n := strings.Count(env.Log.String(), warning); n != test.want {
				t.Errorf("the log warns %d times, expected %d:\n%s", n, test.want, env.Log)
			}
			for line := range strings.Lines(env.Log.String()) {
				if strings.Contains(line, warning) && !strings.Contains(line, `"level":"warn"`) {
					t.Errorf("the warning is %s", line)
				}
			}
		})
	}
}

func TestAServerThatCannotTellWhoCallsDoesNotStart(t *testing.T) {
	t.Parallel()
	o := testenv.Options()
	o.Identity.PrincipalsFile = filepath.Join(t.TempDir(), "none")
	if _, err := server.New(t.Context(), o); err == nil || !strings.Contains(err.Error(), "--principals") {
		t.Errorf("got the error %v", err)
	}
}
