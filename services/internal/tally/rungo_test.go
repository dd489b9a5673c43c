package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMain lets the test binary stand in for the go tool: `BINARY test -script=FOLDER ...`.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "test" {
		fakeGo(os.Args[2:])
		return
	}
	m.Run()
}

// fakeGo keeps what it was called with, and writes the next of the streams 1, 2, … of its folder.
// Where a test fails in that, so does the process.
func fakeGo(args []string) {
	folder := strings.TrimPrefix(args[0], "-script=")
	n := 1
	for ; ; n++ {
		if _, err := os.Stat(filepath.Join(folder, strconv.Itoa(n)+".called")); err != nil {
			break
		}
	}
	next := filepath.Join(folder, strconv.Itoa(n))
	if err := os.WriteFile(next+".called", []byte(strings.Join(args[1:], " ")), 0o600); err != nil {
		panic(err)
	}
	stream, err := os.ReadFile(next)
	if err != nil {
		panic(err)
	}
	fmt.Fprint(os.Stdout, string(stream))
	if bytes.Contains(stream, []byte(`"fail"`)) {
		panic("a test fails")
	}
}

func TestSecondChance(t *testing.T) {
	t.Parallel()
	const pass = `{"Action":"pass","Package":"p","Test":"A"}` + "\n" + `{"Action":"pass","Package":"p"}` + "\n"
	both := failing("p", "A") + failing("q", "B/x", "B")
	tests := []struct {
		name    string
		streams []string
		calls   []string
		want    counts
		// flaky are the tests that are named; where there are none, the run fails.
		flaky []string
	}{
		{"passes", []string{failing("p", "A"), pass},
			[]string{"./...", "-count=1 -run=^(A)$ p"}, counts{1, 0, 0}, []string{"p.A"}},
		{"fails again", []string{failing("p", "A"), failing("p", "A")},
			[]string{"./...", "-count=1 -run=^(A)$ p"}, counts{0, 1, 0}, nil},
		{"each package passes", []string{both, pass, strings.NewReplacer(`"p"`, `"q"`, `"A"`, `"B/x"`).Replace(pass) + `{"Action":"pass","Package":"q","Test":"B"}`},
			[]string{"./...", "-count=1 -run=^(A)$ p", "-count=1 -run=^(B)$ q"}, counts{2, 0, 0}, []string{"p.A", "q.B/x"}},
		{"one of two fails again", []string{both, pass, failing("q", "B")},
			[]string{"./...", "-count=1 -run=^(A)$ p", "-count=1 -run=^(B)$ q"}, counts{1, 1, 0}, nil},
		{"the test does not run again", []string{failing("p", "A"), `{"Action":"pass","Package":"p"}`},
			[]string{"./...", "-count=1 -run=^(A)$ p"}, counts{0, 1, 0}, nil},
		{"is skipped", []string{failing("p", "A"), strings.Replace(pass, "pass", "skip", 1)},
			[]string{"./...", "-count=1 -run=^(A)$ p"}, counts{0, 1, 0}, nil},
		{"too many failed", []string{failing("p", "A", "B", "C", "D", "E", "F")},
			[]string{"./..."}, counts{0, 6, 0}, nil},
		{"a race", []string{"WARNING: DATA RACE\n" + failing("p", "A"), pass},
			[]string{"./..."}, counts{0, 1, 0}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			script := t.TempDir()
			for i, stream := range test.streams {
				write(t, script, strconv.Itoa(i+1), stream)
			}
			report := filepath.Join(script, "report.jsonl")
			var out bytes.Buffer
			err := run(t.Context(), []string{"go", report, os.Args[0], "test", "-script=" + script, "./..."}, &out, io.Discard)
			if (err == nil) != (len(test.flaky) > 0) {
				t.Errorf("error %v, expected one: %t", err, len(test.flaky) == 0)
			}
			if diff := cmp.Diff(test.calls, callsOf(t, script)); diff != "" {
				t.Errorf("calls (-expected +got):\n%s", diff)
			}
			got, err := count(report)
			if err != nil || got.counts != test.want {
				t.Errorf("counted %+v and error %v, expected %+v", got, err, test.want)
			}
			for _, name := range test.flaky {
				if line := "FLAKY: " + name + " "; !strings.Contains(out.String(), line) {
					t.Errorf("%q is not shown in:\n%s", line, &out)
				}
			}
			if len(test.flaky) == 0 && strings.Contains(out.String(), "FLAKY") {
				t.Errorf("a test is called flaky that is not:\n%s", &out)
			}
		})
	}
}

// callsOf returns what the fake go tool was called with, in order.
func callsOf(t *testing.T, script string) []string {
	t.Helper()
	var calls []string
	for n := 1; ; n++ {
		call, err := os.ReadFile(filepath.Join(script, strconv.Itoa(n)+".called"))
		if err != nil {
			return calls
		}
		calls = append(calls, string(call))
	}
}

// write writes a file below a folder, and the folders between.
func write(t *testing.T, folder, name, content string) {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// goTest runs the real `go test -json` on the packages of a module made for it.
func goTest(t *testing.T, packages map[string]string) (out, report string, err error) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "go.mod", "module example.test/m\n\ngo 1.26\n")
	for name, content := range packages {
		write(t, dir, name, content)
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	report = filepath.Join(t.TempDir(), "go.jsonl")
	var stdout, stderr bytes.Buffer
	err = run(t.Context(), []string{"go", report, goTool, "test", "-C=" + dir, "-vet=off", "-json", "./..."}, &stdout, &stderr)
	if err != nil && stderr.Len() > 0 {
		t.Logf("standard error: %s", &stderr)
	}
	return stdout.String(), report, err
}

// TestGoRun runs tests of which some cannot be flaky.
func TestGoRun(t *testing.T) {
	t.Parallel()
	out, report, err := goTest(t, map[string]string{
		"good/x_test.go": "package x\nimport \"testing\"\nfunc TestGood(t *testing.T) { t.Log(\"quiet\") }\n",
		"bad/x_test.go": "package x\nimport \"testing\"\nfunc TestBad(t *testing.T) { t.Error(\"reason\") }\n" +
			"func TestLater(t *testing.T) { t.Skip(\"not here\") }\n",
		"untested/x.go":    "package x\n",
		"broken/x_test.go": "package x\nfunc f() { missing() }\n",
	})
	if err == nil {
		t.Error("no error, expected one: tests fail")
	}
	for _, want := range []string{"ok  \texample.test/m/good", "reason", "--- FAIL: TestBad", "not here", "missing"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not shown in:\n%s", want, out)
		}
	}
	for _, noise := range []string{"quiet", "=== RUN", "PASS", "no test files", "once more"} {
		if strings.Contains(out, noise) {
			t.Errorf("%q is shown in:\n%s", noise, out)
		}
	}
	if got, err := count(report); err != nil || got.counts != (counts{1, 2, 1}) {
		t.Errorf("counted %+v and error %v, expected 1 passed, 2 failed, 1 skipped", got, err)
	}
}

// once is Go that says whether it runs for the first time in its folder.
const once = "\nfunc once() bool { return os.Mkdir(\"ran\", 0o700) == nil }\n"

// TestFlakyGo runs a test, an example and a fuzz target that fail the first time only.
func TestFlakyGo(t *testing.T) {
	t.Parallel()
	out, report, err := goTest(t, map[string]string{
		"a/x_test.go": "package x\nimport (\n\"os\"\n\"testing\"\n)\n" + once +
			"func TestFlaky(t *testing.T) { t.Run(\"part\", func(t *testing.T) { if once() { t.Error(\"reason\") } }) }\n" +
			"func TestGood(t *testing.T) {}\n",
		"b/x_test.go": "package x\nimport (\n\"fmt\"\n\"os\"\n)\n" + once +
			"func Example() {\nfmt.Println(once())\n// Output: false\n}\n",
		"c/x_test.go": "package x\nimport (\n\"os\"\n\"testing\"\n)\n" + once +
			"func FuzzFlaky(f *testing.F) { f.Add(1); f.Fuzz(func(t *testing.T, _ int) { if once() { t.Error(\"reason\") } }) }\n",
	})
	if err != nil {
		t.Errorf("error %v, expected none: all pass in the end:\n%s", err, out)
	}
	got, err := count(report)
	if err != nil || got.counts != (counts{4, 0, 0}) {
		t.Errorf("counted %+v and error %v, expected 4 passed", got, err)
	}
	want := []string{"example.test/m/a.TestFlaky/part", "example.test/m/b.Example", "example.test/m/c.FuzzFlaky/seed#0"}
	if diff := cmp.Diff(want, got.flaky); diff != "" {
		t.Errorf("flaky tests (-expected +got):\n%s", diff)
	}
	for _, name := range want {
		if line := "FLAKY: " + name + " failed"; !strings.Contains(out, line) {
			t.Errorf("%q is not shown in:\n%s", line, out)
		}
	}
}

// TestCrashes runs tests that end their binary, which passes when it runs again.
func TestCrashes(t *testing.T) {
	t.Parallel()
	for name, crash := range map[string]string{
		"a panic": "panic(\"reason\")",
		"an exit": "os.Exit(1)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, report, err := goTest(t, map[string]string{
				"a/x_test.go": "package x\nimport (\n\"os\"\n\"testing\"\n)\n" + once +
					"func TestBad(t *testing.T) { t.Fail() }\nfunc TestCrash(t *testing.T) { if once() { " + crash + " } }\n",
			})
			if err == nil || strings.Contains(out, "once more") {
				t.Errorf("error %v, expected one and no second chance:\n%s", err, out)
			}
			if got, err := count(report); err != nil || got.failed != 2 {
				t.Errorf("counted %+v and error %v, expected 2 failed", got, err)
			}
		})
	}
}
