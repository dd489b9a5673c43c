package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func TestArguments(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"":                             "expected root, image, release",
		"fly":                          "expected root, image, release",
		"image":                        "expected FILE after the flags",
		"image -platforms linux a.tar": `platform "linux", expected OS/ARCH`,
		"release v1 out":               `version "v1", expected one such as v1.2.3`,
		"release v1.2.3":               "expected VERSION FOLDER",
		"licences all":                 "expected no argument",
	} {
		err := run(t.Context(), strings.Fields(args), t.Output(), t.Output())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, expected %q", args, err, want)
		}
	}
}

// TestTheDockerfile holds what the image promises against the file that says it.
func TestTheDockerfile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../" + dockerfile)
	if err != nil {
		t.Fatal(err)
	}
	got, err := configOf(string(text))
	if err != nil {
		t.Fatal(err)
	}
	want := v1.Config{
		User: "65532:65532", WorkingDir: "/tmp", StopSignal: "SIGTERM",
		Env:          []string{"PATH=/", "HOST=0.0.0.0"},
		ExposedPorts: map[string]struct{}{"50051/tcp": {}},
		Entrypoint:   []string{"/sepal"}, Cmd: []string{"serve"},
		Healthcheck: &v1.HealthConfig{Test: []string{"CMD", "/sepal", "health"}, Interval: 10 * time.Second, Timeout: 3 * time.Second, StartPeriod: 10 * time.Second},
		Labels: map[string]string{
			"org.opencontainers.image.title":       "Sepal",
			"org.opencontainers.image.description": "Trains, versions, rolls out and serves softmax classifiers.",
			"org.opencontainers.image.source":      "https://github.com/sepal-ml/sepal",
			"org.opencontainers.image.licenses":    "Apache-2.0",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the image is run otherwise (-want +got):\n%s", diff)
	}
	if !strings.Contains(string(text), "go run ./services/internal/ship root ") {
		t.Error("the files of the image do not come from `ship root`")
	}
	tools, err := os.ReadFile("../../../go.tool.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, version, _ := strings.Cut(string(tools), "\ngo ")
	version, _, _ = strings.Cut(version, "\n")
	if !strings.Contains(string(text), " golang:"+version+" ") {
		t.Errorf("the image is not built with Go %s, as go.tool.mod says", version)
	}
}

func TestDockerfilesThatAreRefused(t *testing.T) {
	t.Parallel()
	const copied = "FROM scratch\nCOPY --from=build /rootfs/ /\n"
	for text, want := range map[string]string{
		"":                                   "there is no FROM",
		"FROM alpine\n":                      ":1: the image is from alpine, expected scratch",
		"FROM scratch\n":                     "copies no /rootfs/",
		"FROM scratch\nCOPY a b\n":           ":2: COPY a b, expected",
		copied + "RUN ls\n":                  ":3: RUN: is not expected",
		copied + "user 0\n":                  ":3: user is no instruction",
		copied + "ENV A\n":                   "expected NAME=VALUE",
		copied + "ENV A=b C=d\n":             "one to an instruction",
		copied + "LABEL a=\"$B\"\n":          "not understood",
		copied + "CMD serve\n":               "CMD: invalid character",
		copied + "CMD [\\\n":                 "ends in a backslash",
		copied + "HEALTHCHECK --retries=3 a": "HEALTHCHECK: time: ",
		copied + "HEALTHCHECK NONE":          "expected CMD",
	} {
		if _, err := configOf(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, expected %q", text, err, want)
		}
	}
	got, err := configOf(copied + "# run\nCMD [\"a\", \\\n  # why\n  \"b\"]\n")
	if err != nil || !cmp.Equal(got.Cmd, []string{"a", "b"}) {
		t.Errorf("the continued line is %q (%v)", got.Cmd, err)
	}
}

func TestChangesByArea(t *testing.T) {
	t.Parallel()
	got := byArea([]string{
		"server: drain slowly", "Fix the build", "sepal, console: show more", "server: stop: at once", "proto: a", "why not: this", "",
	})
	want := "\n## proto\n\n- a\n\n## sepal\n\n- show more\n\n## server\n\n- drain slowly\n- stop: at once\n\n## other\n\n- Fix the build\n- why not: this\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWhoCallsMethodsByName(t *testing.T) {
	t.Parallel()
	got := byName(strings.NewReader("main.main -> a.b <ReflectMethod>\na.b <ReflectMethod> -> reflect.Value.MethodByName\n" +
		"a.b <ReflectMethod> -> c.d\nreflect.Value.Methods.func1 <ReflectMethod> -> e.f\n"))
	if diff := cmp.Diff([]string{"a.b"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestModuleOfAFunction(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"example.com/a": true, "example.com/a/v2": true, "gopkg.in/yaml.v3": true}
	for function, want := range map[string]string{
		"example.com/a.Do": "example.com/a", "example.com/a/b/c.(*T).Do.func1": "example.com/a", "example.com/a/v2.Do": "example.com/a/v2",
		"example.com/ab.Do": "", "gopkg.in/yaml%2ev3.Do": "gopkg.in/yaml.v3", "slices.Sort[go.shape.[]example.com/a.T]": "", "": "",
	} {
		if got := moduleOf(function, known); got != want {
			t.Errorf("%s is of %q, expected %q", function, got, want)
		}
	}
}

func TestScansAreJudged(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		judge     func(int, string) (bool, bool)
		code      int
		output    string
		found, ok bool
	}{
		{"Go, nothing", judgeGo, 0, "No vulnerabilities found.", false, true},
		{"Go, called", judgeGo, 3, "Vulnerability #1: GO-2030-0001", true, true},
		{"Go, no network", judgeGo, 1, "govulncheck: fetching vulnerabilities: dial tcp", false, false},
		{"npm, nothing", judgeNPM, 0, "found 0 vulnerabilities", false, true},
		{"npm, found", judgeNPM, 1, "# npm audit report\n\nx  1.0.0\nSeverity: high", true, true},
		{"npm, no network", judgeNPM, 1, "npm error audit endpoint returned an error", false, false},
	} {
		if found, ok := test.judge(test.code, test.output); found != test.found || ok != test.ok {
			t.Errorf("%s: found %t, ok %t", test.name, found, ok)
		}
	}
}

func TestAWholeCommandIsRun(t *testing.T) {
	t.Parallel()
	output, code, err := runCommand(t.Context(), []string{"sh", "-c", "echo out; echo err >&2; exit 3"})
	if err != nil || code != 3 || output != "out\nerr\n" {
		t.Errorf("got %q, %d, %v", output, code, err)
	}
	if _, _, err := runCommand(t.Context(), []string{"no-such-command-here"}); err == nil {
		t.Error("a command that is not there was run")
	}
	if got := lastLines("a\nb\nc\nd\ne\n"); got != "  b\n  c\n  d\n  e" {
		t.Errorf("the end is %q", got)
	}
}

func TestArchivesAreTheSameTwice(t *testing.T) {
	t.Parallel()
	files := []entry{{path: "a/sepal", mode: 0o755, data: []byte("binary")}, {path: "a/LICENSE", mode: 0o644, data: []byte("text")}}
	at := time.Unix(1700000000, 0)
	for name, pack := range map[string]func([]entry, time.Time) ([]byte, error){"tar": tarred, "zip": zipped} {
		one, err := pack(files, at)
		if err != nil {
			t.Fatal(err)
		}
		other, err := pack(files, at)
		if err != nil || !bytes.Equal(one, other) {
			t.Errorf("%s: %d and %d bytes differ (%v)", name, len(one), len(other), err)
		}
	}
}

// inCheckout makes the root of the checkout the working folder, as it is for every task.
func inCheckout(t *testing.T) {
	t.Helper()
	t.Chdir("../../..")
}
