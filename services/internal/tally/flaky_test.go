package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFlakyInStream(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, stream string
		want         counts
		flaky        []string
	}{
		{"passed when it ran again", `
			{"Action":"start","Package":"p"}
			{"Action":"run","Package":"p","Test":"A"}
			{"Action":"fail","Package":"p","Test":"A"}
			{"Action":"pass","Package":"p","Test":"B"}
			{"Action":"fail","Package":"p"}
			{"Action":"start","Package":"p"}
			{"Action":"run","Package":"p","Test":"A"}
			{"Action":"pass","Package":"p","Test":"A"}
			{"Action":"pass","Package":"p"}`, counts{2, 0, 0}, []string{"p.A"}},
		{"the subtest is named, not its test", `
			{"Action":"fail","Package":"p","Test":"A/x/1"}
			{"Action":"fail","Package":"p","Test":"A/x"}
			{"Action":"pass","Package":"p","Test":"A/y"}
			{"Action":"fail","Package":"p","Test":"A"}
			{"Action":"fail","Package":"p"}
			{"Action":"pass","Package":"p","Test":"A/x/1"}
			{"Action":"pass","Package":"p","Test":"A/x"}
			{"Action":"pass","Package":"p","Test":"A/y"}
			{"Action":"pass","Package":"p","Test":"A"}
			{"Action":"pass","Package":"p"}`, counts{2, 0, 0}, []string{"p.A/x/1"}},
		{"failed again", `
			{"Action":"fail","Package":"p","Test":"A"}
			{"Action":"fail","Package":"p"}
			{"Action":"fail","Package":"p","Test":"A"}
			{"Action":"fail","Package":"p"}`, counts{0, 1, 0}, nil},
		{"skipped when it ran again", `
			{"Action":"fail","Package":"p","Test":"A"}
			{"Action":"run","Package":"p","Test":"A"}
			{"Action":"skip","Package":"p","Test":"A"}`, counts{0, 1, 0}, nil},
		{"did not run again", `
			{"Action":"fail","Package":"p","Test":"A/x"}
			{"Action":"fail","Package":"p","Test":"A"}
			{"Action":"fail","Package":"p"}
			{"Action":"pass","Package":"p","Test":"A"}
			{"Action":"pass","Package":"p"}`, counts{0, 1, 0}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := countGo(strings.NewReader(test.stream))
			if err != nil || got.counts != test.want {
				t.Errorf("got %+v and error %v, expected %+v", got, err, test.want)
			}
			if diff := cmp.Diff(test.flaky, got.flaky); diff != "" {
				t.Errorf("flaky tests (-expected +got):\n%s", diff)
			}
		})
	}
}

// failing is the stream of a package whose tests of these names fail.
func failing(pkg string, names ...string) string {
	var s strings.Builder
	s.WriteString(`{"Action":"start","Package":"` + pkg + `"}` + "\n")
	for _, name := range names {
		s.WriteString(`{"Action":"run","Package":"` + pkg + `","Test":"` + name + `"}` + "\n")
		s.WriteString(`{"Action":"fail","Package":"` + pkg + `","Test":"` + name + `"}` + "\n")
	}
	s.WriteString(`{"Action":"output","Package":"` + pkg + `","Output":"FAIL\n"}` + "\n")
	s.WriteString(`{"Action":"fail","Package":"` + pkg + `"}` + "\n")
	return s.String()
}

func TestMayBeFlaky(t *testing.T) {
	t.Parallel()
	const passed = `{"Action":"pass","Package":"o","Test":"O"}` + "\n" + `{"Action":"pass","Package":"o"}` + "\n"
	line := func(line string) string { return line + "\n" }
	tests := []struct {
		name, stream string
		want         []failedPackage
	}{
		{"nothing failed", passed, nil},
		{"tests, examples and fuzz targets of two packages",
			failing("q", "FuzzB/seed#0", "FuzzB", "ExampleA") + passed + failing("p", "TestA/x", "TestA/y", "TestA"),
			[]failedPackage{{"p", []string{"TestA"}}, {"q", []string{"ExampleA", "FuzzB"}}}},
		{"five failed", failing("p", "A", "B", "C") + failing("q", "A", "B"),
			[]failedPackage{{"p", []string{"A", "B", "C"}}, {"q", []string{"A", "B"}}}},
		{"six failed", failing("p", "A", "B", "C") + failing("q", "A", "B", "C"), nil},
		{"another package does not build", failing("p", "A") +
			line(`{"Action":"build-fail","ImportPath":"q"}`) + line(`{"Action":"fail","Package":"q","FailedBuild":"q"}`), nil},
		{"another package does not link", failing("p", "A") + line(`{"Action":"fail","Package":"q"}`), nil},
		{"another package fails beside its tests", failing("p", "A") + passed + failing("q"), nil},
		{"a race in the test that failed", line(`{"Action":"output","Package":"p","Test":"A","Output":"WARNING: DATA RACE\n"}`) + failing("p", "A"), nil},
		{"a race in a test that passed", line(`{"Action":"output","Package":"o","Test":"O","Output":"WARNING: DATA RACE\n"}`) + passed + failing("p", "A"), nil},
		{"a race that no event tells", "WARNING: DATA RACE\n" + failing("p", "A"), nil},
		{"a panic", line(`{"Action":"fail","Package":"p","Test":"A"}`) +
			line(`{"Action":"output","Package":"p","Output":"FAIL\tp\t0.01s\n"}`) + line(`{"Action":"fail","Package":"p"}`), nil},
		{"a time limit", failing("q", "B") + line(`{"Action":"run","Package":"p","Test":"A"}`) + line(`{"Action":"fail","Package":"p"}`), nil},
		{"the stream ends in the middle", failing("q", "B") + line(`{"Action":"run","Package":"p","Test":"A"}`), nil},
		{"no such stream", "command not found\n", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := mayBeFlaky(strings.NewReader(test.stream))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(failedPackage{})); diff != "" {
				t.Errorf("failed tests that may be flaky (-expected +got):\n%s", diff)
			}
		})
	}
}

func TestRetryOf(t *testing.T) {
	t.Parallel()
	failed := failedPackage{"example.test/p", []string{"ExampleΩ", "TestA"}}
	const pattern = "-run=^(ExampleΩ|TestA)$"
	tests := []struct {
		name          string
		command, want []string
	}{
		{"the flags are kept", []string{"/go", "test", "-race", "-json", "-timeout=20m", "./..."},
			[]string{"/go", "test", "-race", "-json", "-timeout=20m", "-count=1", pattern, "example.test/p"}},
		{"but for those that say what runs", []string{"go", "test", "--run=X", "-count=3", "-skip=Slow", "./a", "./b/..."},
			[]string{"go", "test", "-skip=Slow", "-count=1", pattern, "example.test/p"}},
		{"arguments of the test binary", []string{"go", "test", "./...", "-args", "-x"}, nil},
		{"another command", []string{"make", "check"}, nil},
		{"no argument", []string{"check"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, retryOf(test.command, failed)); diff != "" {
				t.Errorf("command (-expected +got):\n%s", diff)
			}
		})
	}
}
