package server_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/registry/bucket"
	"github.com/sepal-ml/sepal/services/internal/registry/registrytest"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// never is how long nothing takes, even on a machine with much else to do.
const never = 2 * time.Minute

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(never); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never comes to be so: %s", what)
		}
	}
}

// problemsShown returns the value of the metric sepal_registry_problems.
func problemsShown(t *testing.T, env *testenv.Env) int {
	t.Helper()
	_, _, text := scrape(t, testenv.HTTPClient(t, false), http.MethodGet, env.URL, "")
	for line := range bytes.Lines(text) {
		if value, ours := bytes.CutPrefix(line, []byte("sepal_registry_problems ")); ours {
			n, err := strconv.Atoi(strings.TrimSpace(string(value)))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("sepal_registry_problems is not shown")
	return 0
}

// requireServing checks that the last good version answers in every protocol, and that the server
// is ready: taking it out would help nobody.
func requireServing(t *testing.T, env *testenv.Env, version string) {
	t.Helper()
	for _, p := range testenv.Protocols() {
		response, err := env.Prediction(t, p).Predict(t.Context(), &predictionv1.PredictRequest{Features: row})
		if err != nil || response.GetModelVersion() != version {
			t.Errorf("%s: got %v, %v, expected an answer of %s", p.Name, response, err, version)
		}
	}
	if status, text := send(t, testenv.HTTPClient(t, false), env.URL, http.MethodGet, "/readyz", "", ""); status != http.StatusOK {
		t.Errorf("readyz: %d %s", status, text)
	}
}

// wayOut is a change that works again once a fault is over, and was made only once.
func wayOut(t *testing.T, env *testenv.Env, revision uint32) {
	t.Helper()
	client := env.Registry(t, testenv.Protocols()[0])
	eventually(t, "the registry has no problems", func() bool {
		now, err := client.GetModel(t.Context(), &registryv1.GetModelRequest{})
		return err == nil && len(now.GetModel().GetProblems()) == 0 && problemsShown(t, env) == 0
	})
	set(t.Context(), t, client, "v1.1.0")
	now, err := client.GetRollout(t.Context(), &registryv1.GetRolloutRequest{})
	if err != nil || now.GetRollout().GetRevision() != revision {
		t.Errorf("got %v, %v, expected revision %d", now, err, revision)
	}
	requireServing(t, env, "v1.1.0")
}

// startOnS3 serves two versions from a bucket, of which the first is stable.
func startOnS3(t *testing.T) (*testenv.Env, *registrytest.FaultyS3) {
	t.Helper()
	s3 := registrytest.NewFaultyS3(t)
	store, err := bucket.Open(t.Context(), s3.Location)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"v1.0.0", "v1.1.0"} {
		if err := store.Create(t.Context(), "iris/"+version+"/model.binpb", testenv.IrisFile(t, version)); err != nil {
			t.Fatal(err)
		}
	}
	o := testenv.Options()
	o.ModelPath, o.DefaultModel, o.PollInterval = s3.Location, "", 50*time.Millisecond
	env := testenv.Start(t, o)
	set(t.Context(), t, env.Registry(t, testenv.Protocols()[0]), "v1.0.0")
	return env, s3
}

// TestObjectStoreFaults lets an object store fail in every way while requests come: none notices, a
// change is refused, and all is told and mended by itself.
func TestObjectStoreFaults(t *testing.T) {
	t.Parallel()
	refuse := func(status int, code string) func(http.ResponseWriter, *http.Request, http.Handler) {
		return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(status)
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>on purpose</Message></Error>", code)
		}
	}
	for name, test := range map[string]struct {
		fault func(http.ResponseWriter, *http.Request, http.Handler)
		told  string // among the problems
	}{
		"internal error": {refuse(http.StatusInternalServerError, "InternalError"), "InternalError: on purpose"},
		"slow down":      {refuse(http.StatusServiceUnavailable, "SlowDown"), "SlowDown: on purpose"},
		"access denied":  {refuse(http.StatusForbidden, "AccessDenied"), "AccessDenied: on purpose"},
		"connection lost": {func(http.ResponseWriter, *http.Request, http.Handler) {
			panic(http.ErrAbortHandler)
		}, "cannot be listed"},
		"bodies cut short": {func(w http.ResponseWriter, r *http.Request, s3 http.Handler) {
			whole := httptest.NewRecorder()
			s3.ServeHTTP(whole, r)
			for key, values := range whole.Header() {
				w.Header()[key] = values
			}
			w.Header().Set("Content-Length", strconv.Itoa(whole.Body.Len()))
			w.WriteHeader(whole.Code)
			_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
		}, "cannot be listed"},
		"another page": {func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			fmt.Fprint(w, "<html>welcome to the captive portal</html>")
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, s3 := startOnS3(t)
			l := startLoad(t, env, []release{{"v1.1.0", testenv.IrisFile(t, "v1.1.0")}}, 4, 5*time.Millisecond)
			client := env.Registry(t, testenv.Protocols()[0])
			s3.Meddle(test.fault)
			eventually(t, "the registry has a problem", func() bool { return problemsShown(t, env) > 0 })
			requireServing(t, env, "v1.0.0")
			// A look that was under way when the fault began may tell of another file first.
			eventually(t, "the problems tell of it: "+test.told, func() bool {
				now, err := client.GetModel(t.Context(), &registryv1.GetModelRequest{})
				return err == nil && strings.Contains(strings.Join(now.GetModel().GetProblems(), "\n"), test.told)
			})
			_, err := client.PublishVersion(t.Context(), &registryv1.PublishVersionRequest{File: testenv.IrisFile(t, "v1.2.0")})
			if code := connect.CodeOf(err); code != connect.CodeUnavailable && code != connect.CodeFailedPrecondition {
				t.Errorf("publishing: %v", err)
			}
			s3.Mend()
			wayOut(t, env, 2)
			if latencies, failed := l.stop(); len(failed) > 0 {
				t.Errorf("%d of %d requests failed, the first: %v", len(failed), len(latencies)+len(failed), failed[0])
			}
		})
	}
}

// TestObjectStoreHangs: nobody waits for it but who asks for it, and for no longer than they want.
func TestObjectStoreHangs(t *testing.T) {
	t.Parallel()
	env, s3 := startOnS3(t)
	l := startLoad(t, env, []release{{"v1.1.0", testenv.IrisFile(t, "v1.1.0")}}, 4, 5*time.Millisecond)
	client := env.Registry(t, testenv.Protocols()[0])
	release, asked := make(chan struct{}), make(chan struct{}, 1)
	s3.Meddle(func(w http.ResponseWriter, r *http.Request, s3 http.Handler) {
		select {
		case asked <- struct{}{}:
		default:
		}
		select {
		case <-release:
			s3.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
	<-asked // by who polls: it holds what Reload needs
	requireServing(t, env, "v1.0.0")
	if _, err := client.GetRollout(t.Context(), &registryv1.GetRolloutRequest{}); err != nil {
		t.Errorf("GetRollout: %v", err)
	}
	for name, call := range map[string]func(context.Context) error{
		"Reload": func(ctx context.Context) error {
			_, err := client.Reload(ctx, &registryv1.ReloadRequest{})
			return err
		},
		"PublishVersion": func(ctx context.Context) error {
			_, err := client.PublishVersion(ctx, &registryv1.PublishVersionRequest{File: testenv.IrisFile(t, "v1.2.0")})
			return err
		},
		"Rollback": func(ctx context.Context) error {
			_, err := client.Rollback(ctx, &registryv1.RollbackRequest{})
			return err
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if err := call(ctx); connect.CodeOf(err) != connect.CodeDeadlineExceeded && connect.CodeOf(err) != connect.CodeUnavailable {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
	close(release)
	s3.Mend()
	wayOut(t, env, 2)
	if latencies, failed := l.stop(); len(failed) > 0 {
		t.Errorf("%d of %d requests failed, the first: %v", len(failed), len(latencies)+len(failed), failed[0])
	}
}

// TestStoppingWhileTheObjectStoreHangs takes no longer than without.
func TestStoppingWhileTheObjectStoreHangs(t *testing.T) {
	t.Parallel()
	env, s3 := startOnS3(t)
	asked := make(chan struct{}, 1)
	s3.Meddle(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
		select {
		case asked <- struct{}{}:
		default:
		}
		<-r.Context().Done()
	})
	<-asked
	start := time.Now()
	if err := env.Server.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 20*time.Second { // a bucket gives up by itself after 30 s
		t.Errorf("stopping took %v", took)
	}
}

// TestFolderFaults takes a folder away under a server, puts something else in its place, and brings
// it back.
func TestFolderFaults(t *testing.T) {
	t.Parallel()
	for name, instead := range map[string]func(root string) error{
		"gone":             func(string) error { return nil },
		"a file":           func(root string) error { return os.WriteFile(root, nil, 0o600) },
		"an empty folder":  func(root string) error { return os.Mkdir(root, 0o750) },
		"a link to itself": func(root string) error { return os.Symlink(root, root) },
		"files for folders": func(root string) error {
			if err := os.Mkdir(root, 0o750); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(root, "iris"), nil, 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := testenv.Options()
			o.ModelPath, o.DefaultModel, o.PollInterval = testenv.IrisRegistry(t, "v1.0.0", "v1.1.0"), "", 50*time.Millisecond
			env := testenv.Start(t, o)
			client := env.Registry(t, testenv.Protocols()[0])
			set(t.Context(), t, client, "v1.0.0")
			l := startLoad(t, env, []release{{"v1.1.0", testenv.IrisFile(t, "v1.1.0")}}, 4, 5*time.Millisecond)
			away := o.ModelPath + "-away"
			if err := os.Rename(o.ModelPath, away); err != nil {
				t.Fatal(err)
			}
			if err := instead(o.ModelPath); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the registry has a problem", func() bool { return problemsShown(t, env) > 0 })
			requireServing(t, env, "v1.0.0")
			_, err := client.PublishVersion(t.Context(), &registryv1.PublishVersionRequest{File: testenv.IrisFile(t, "v1.2.0")})
			requireCode(t, err, connect.CodeUnavailable, "")
			if err := os.RemoveAll(o.ModelPath); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(away, o.ModelPath); err != nil {
				t.Fatal(err)
			}
			wayOut(t, env, 2)
			if latencies, failed := l.stop(); len(failed) > 0 {
				t.Errorf("%d of %d requests failed, the first: %v", len(failed), len(latencies)+len(failed), failed[0])
			}
		})
	}
}
