package main

import (
	"bytes"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// builtImage builds the image for this machine, and returns it with what was said of it.
func builtImage(t *testing.T) (image v1.Image, archive []byte, said string) {
	t.Helper()
	inCheckout(t)
	var out bytes.Buffer
	s := &ship{stdout: &out, stderr: t.Output()}
	path := filepath.Join(t.TempDir(), "image.tar")
	if err := s.imageFile(t.Context(), here().String(), path); err != nil {
		t.Fatal(err)
	}
	archive, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := unpackTar(bytes.NewReader(archive), folder); err != nil {
		t.Fatal(err)
	}
	index, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 1 || manifest.Manifests[0].Platform.Architecture != here().arch {
		t.Fatalf("the index has %+v", manifest.Manifests)
	}
	image, err = index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return image, archive, out.String()
}

// TestTheImageServes builds the image, unpacks it and does with it what a runtime does.
func TestTheImageServes(t *testing.T) {
	image, _, said := builtImage(t)
	if !strings.Contains(said, "MB /sepal\n") || !strings.Contains(said, "code of google.golang.org/protobuf\n") {
		t.Errorf("of the parts is said\n%s", said)
	}
	root := t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unpack(image, root); err != nil {
		t.Fatal(err)
	}
	requireFiles(t, root)
	requireNoSQLite(t, root)
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	j := newJail(t, root, file.Config)
	server := j.serve(t)
	_, port, err := net.SplitHostPort(server.address)
	if err != nil {
		t.Fatal(err)
	}
	requirePrediction(t, "127.0.0.1:"+port)
	// What the runtime asks, in the same file system; the first word says that it is a command.
	check := file.Config.Healthcheck
	if check == nil || check.Test[0] != "CMD" || check.Test[1] != file.Config.Entrypoint[0] {
		t.Fatalf("the image is checked by %+v", check)
	}
	// A machine that is busy takes longer than a runtime waits.
	if out, code := j.run(t, nil, []string{"PORT=" + port, "SEPAL_HEALTH_TIMEOUT=1m"}, check.Test[2:]...); code != 0 || out != "ok\n" {
		t.Errorf("while it serves, sepal health ends with %d: %s", code, out)
	}
	if state := server.stop(t); !state.Success() {
		t.Errorf("at SIGTERM the server ended with %v", state)
	}
	if out, code := j.run(t, nil, []string{"PORT=1"}, check.Test[2:]...); code != 1 {
		t.Errorf("where nobody listens, sepal health ends with %d: %s", code, out)
	}
	requireReadOnly(t, j)
}

func requireFiles(t *testing.T, root string) {
	t.Helper()
	total := int64(0)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		total += info.Size()
		if info.Mode()&0o022 != 0 {
			t.Errorf("others than its owner may write %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if total > maxImageBytes {
		t.Errorf("the files are %d bytes, at most %d are allowed", total, maxImageBytes)
	}
	users, err := os.ReadFile(filepath.Join(root, "etc/passwd"))
	if err != nil || !strings.Contains(string(users), ":65532:65532:") {
		t.Errorf("the users are %s (%v)", users, err)
	}
	authorities, err := os.ReadFile(filepath.Join(root, certificatesPath))
	if count := strings.Count(string(authorities), "BEGIN CERTIFICATE"); err != nil || count < 50 {
		t.Errorf("TLS trusts %d authorities (%v)", count, err)
	}
}

func requirePrediction(t *testing.T, address string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/sepal.prediction.v1.PredictionService/Predict",
		strings.NewReader(`{"features":[5.1,3.5,1.4,0.2]}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	client := &http.Client{Timeout: time.Minute}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(body), `"prediction":"setosa"`) {
		t.Errorf("the prediction is %s: %s (%v)", response.Status, body, err)
	}
}

// requireReadOnly lets the binary write, where everybody may write otherwise.
func requireReadOnly(t *testing.T, j *jail) {
	t.Helper()
	const table = "x,y\n1,a\n2,a\n8,b\n9,b\n"
	path := "/tmp/model.binpb"
	if !j.apart && os.Getuid() != 0 {
		path = filepath.Join(j.root, path)
	}
	out, code := j.run(t, strings.NewReader(table), nil, "train", "-", "--label", "y", "--folds", "0", "--hold-out", "0", "--output", path)
	want := map[bool]string{true: "read-only file system", false: "permission denied"}[j.apart]
	if code == 0 || !strings.Contains(out, want) {
		t.Errorf("training ends with %d, expected %q: %s", code, want, out)
	}
}

// requireNoSQLite asks for what the image leaves out.
func requireNoSQLite(t *testing.T, root string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(root, binaryName), "train", "sqlite:data.db", "--query", "select 1", "--label", "y", "--output", filepath.Join(t.TempDir(), "model.binpb"))
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "leaves SQLite out") {
		t.Errorf("training on SQLite ends with %v: %s", err, out)
	}
}

// TestTheImageIsTheSameTwice packs the same binary twice.
func TestTheImageIsTheSameTwice(t *testing.T) {
	inCheckout(t)
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	entries, err := base([]byte("licences"))
	if err != nil {
		t.Fatal(err)
	}
	entries = append(entries, entry{path: binaryName, mode: 0o755, data: bytes.Repeat([]byte("binary"), 1000)})
	var digests []v1.Hash
	for range 2 {
		from, err := readSource(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		image, err := newImage(platform{"linux", "arm64"}, entries, from)
		if err != nil {
			t.Fatal(err)
		}
		digest, err := image.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest)
		file, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if file.Architecture != "arm64" || !file.Created.Equal(time.Unix(1700000000, 0)) || file.Config.Labels["org.opencontainers.image.revision"] != from.commit {
			t.Errorf("the image says %+v", file)
		}
	}
	if digests[0] != digests[1] {
		t.Errorf("twice the same gives %v", digests)
	}
}
