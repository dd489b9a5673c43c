package main

import (
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// buildList returns the modules that a binary says it is made of.
func buildList(t *testing.T, binary []byte) string {
	t.Helper()
	info, err := buildinfo.Read(bytes.NewReader(binary))
	if err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	for _, dep := range info.Deps {
		list.WriteString(dep.Path + " " + dep.Version + "\n")
	}
	return list.String()
}

// TestAReleaseForThisMachine writes all but the image, which has a test of its own.
func TestAReleaseForThisMachine(t *testing.T) {
	inCheckout(t)
	folder := filepath.Join(t.TempDir(), "release")
	s := &ship{stdout: t.Output(), stderr: t.Output()}
	known, err := components(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	from := source{commit: "0", version: "v9.8.7", time: time.Unix(1700000000, 0)}
	r := &releasing{ship: s, version: "v9.8.7", folder: folder, from: from, dry: true, known: known}
	for _, do := range []func() error{
		func() error { return r.archive(t.Context(), here()) },
		func() error { return r.lists(t.Context()) },
		func() error { return r.npm(t.Context(), builtClient(t)) },
		r.checksums,
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	check := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = folder
	if out, err := check.CombinedOutput(); err != nil || strings.Count(string(out), ": OK\n") != 4 {
		t.Errorf("the checksums: %v\n%s", err, out)
	}
	name := "sepal_9.8.7_" + here().os + "_" + here().arch
	requireBinary(t, filepath.Join(folder, name+".tar.gz"), name)
	requirePackage(t, filepath.Join(folder, "sepal-ml-client-9.8.7.tgz"))
	parts, err := os.ReadFile(filepath.Join(folder, "sepal.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"pkg:golang/connectrpc.com/connect@`, `"pkg:golang/modernc.org/sqlite@`, `"pkg:npm/%40connectrpc/connect-web@`, `"version": "v9.8.7"`} {
		if !bytes.Contains(parts, []byte(want)) {
			t.Errorf("the list of parts lacks %s", want)
		}
	}
	if changes, err := os.ReadFile(filepath.Join(folder, "CHANGELOG.md")); err != nil || !strings.HasPrefix(string(changes), "# v9.8.7") {
		t.Errorf("the changes are %s (%v)", changes, err)
	}
}

// builtClient returns a folder that is like that of the TypeScript client after it was built.
func builtClient(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"package.json":  `{"name": "@sepal-ml/client", "version": "0.1.0", "files": ["dist"], "scripts": {"prepack": "exit 1"}}`,
		"README.md":     "client",
		"dist/index.js": "export {};",
		"src/index.ts":  "export {};",
	} {
		if err := writeFile(filepath.Join(folder, name), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// opened unpacks an archive and returns the folder.
func opened(t *testing.T, path string) string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := unpackTar(unzipped, folder); err != nil {
		t.Fatal(err)
	}
	return folder
}

// requireBinary runs the binary of an archive, and trains by it on a table that the image cannot read.
func requireBinary(t *testing.T, archive, name string) {
	t.Helper()
	folder := filepath.Join(opened(t, archive), name)
	for _, file := range []string{"LICENSE", "THIRD_PARTY.txt"} {
		if info, err := os.Stat(filepath.Join(folder, file)); err != nil || info.Size() < 1000 {
			t.Errorf("%s: %v", file, err)
		}
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(folder, "sepal"), "version", "--json").Output()
	var said struct{ OS, Arch string }
	if err != nil || json.Unmarshal(out, &said) != nil || said.OS != here().os || said.Arch != here().arch {
		t.Errorf("the binary says %s (%v)", out, err)
	}
	missing := "sqlite:" + filepath.Join(folder, "none.db")
	text, err := exec.CommandContext(t.Context(), filepath.Join(folder, "sepal"), "train", missing, "--query", "select 1", "--label", "y",
		"--output", filepath.Join(folder, "model.binpb")).CombinedOutput()
	if err == nil || strings.Contains(string(text), "leaves SQLite out") {
		t.Errorf("training on a database that is not there ends with %v: %s", err, text)
	}
}

func requirePackage(t *testing.T, path string) {
	t.Helper()
	folder := filepath.Join(opened(t, path), "package")
	text, err := os.ReadFile(filepath.Join(folder, "package.json"))
	if err != nil || !strings.Contains(string(text), `"version": "9.8.7"`) {
		t.Errorf("the package says %s (%v)", text, err)
	}
	for file, want := range map[string]bool{"dist/index.js": true, "LICENSE": true, "README.md": true, "src/index.ts": false} {
		if _, err := os.Stat(filepath.Join(folder, file)); (err == nil) != want {
			t.Errorf("%s in the package: %v", file, err)
		}
	}
}

// TestAReleaseIsOfItsTag makes a checkout with and without what a release needs.
func TestAReleaseIsOfItsTag(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	for name, value := range map[string]string{
		"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_SYSTEM": os.DevNull,
		"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com",
	} {
		t.Setenv(name, value)
	}
	commit := func(subject string) {
		requireGit(t, "commit", "--quiet", "--allow-empty", "-m", subject)
	}
	requireGit(t, "init", "--quiet")
	commit("server: begin")
	requireTagged(t, "has no tag v1.0.0")
	requireGit(t, "tag", "v1.0.0")
	requireTagged(t, "")
	requireChanges(t, "v1.0.0", "# v1.0.0\n\n## server\n\n- begin\n")
	commit("sepal: go on")
	requireGit(t, "tag", "not-a-version")
	commit("server: go further")
	requireChanges(t, "v1.1.0", "# v1.1.0, since v1.0.0\n\n## sepal\n\n- go on\n\n## server\n\n- go further\n")
	requireGit(t, "tag", "v1.1.0")
	requireChanges(t, "v1.1.0", "# v1.1.0, since v1.0.0\n\n## sepal\n\n- go on\n\n## server\n\n- go further\n")
	requireTagged(t, "has no tag v1.0.0")
	if err := os.WriteFile("new", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	requireTagged(t, "not committed:\n?? new")
}

func requireGit(t *testing.T, args ...string) {
	t.Helper()
	if _, err := git(t.Context(), args...); err != nil {
		t.Fatal(err)
	}
}

func requireTagged(t *testing.T, want string) {
	t.Helper()
	err := tagged(t.Context(), "v1.0.0")
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, expected %q", err, want)
	}
}

func requireChanges(t *testing.T, version, want string) {
	t.Helper()
	got, err := changelog(t.Context(), version)
	if err != nil || got != want {
		t.Errorf("the changes are %q (%v), expected %q", got, err, want)
	}
}
