package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/registry/registrytest"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// followed bounds the wait for the processes of one registry to agree. They do within 2 s, by
// default; a machine that is busy with other tests gets longer.
const followed = 10 * time.Second

// TestProcessesOfOneRegistryFollow starts three servers on one registry; what one of them is told,
// all of them do.
func TestProcessesOfOneRegistryFollow(t *testing.T) {
	t.Parallel()
	for name, location := range map[string]string{
		"folder": t.TempDir(),
		"bucket": registrytest.S3(t, "/models"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			models(t, "publish", irisFile(t, "v1.0.0"), "--registry", location)
			var servers []*served
			for range 3 {
				servers = append(servers, serve(t, "MODEL_PATH="+location))
			}
			address := strings.TrimPrefix(servers[0].url, "http://")
			for _, step := range []struct {
				args []string
				want string
			}{
				{[]string{"publish", irisFile(t, "v1.1.0")}, "v1.0.0"},
				{[]string{"promote", "v1.1.0"}, "v1.1.0"},
				{[]string{"rollback"}, "v1.0.0"},
			} {
				models(t, append(step.args, "--server", address)...)
				told := time.Now()
				for i, s := range servers {
					for s.defaultVersion(t) != step.want {
						if time.Since(told) > followed {
							t.Fatalf("%v: server %d serves %s after %v, expected %s", step.args, i, s.defaultVersion(t), followed, step.want)
						}
						time.Sleep(10 * time.Millisecond)
					}
				}
				t.Logf("%v: followed by all after %v", step.args, time.Since(told).Round(time.Millisecond))
			}
		})
	}
}

func models(t *testing.T, args ...string) {
	t.Helper()
	if got := sepalCommand(t, "", append([]string{"models"}, args...)...); got.code != exitOK {
		t.Fatalf("models %v: %v", args, got)
	}
}

func irisFile(t *testing.T, version string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), version+".binpb")
	if err := os.WriteFile(file, testenv.IrisFile(t, version), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func (s *served) defaultVersion(t *testing.T) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/sepal.prediction.v1.PredictionService/Health", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var health struct{ ModelVersion string }
	if err := json.Unmarshal(data, &health); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return health.ModelVersion
}
