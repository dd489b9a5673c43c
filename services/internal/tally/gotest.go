package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is a line of `go test -json`; see `go doc test2json`.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

// test names a test or, where its name is empty, a package.
type test struct{ pkg, name string }

// eachEvent calls f for each event of the stream. A line that is none is given to other.
func eachEvent(stream io.Reader, f func(event), other func(line string)) error {
	for lines := bufio.NewReader(stream); ; {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) == nil && e.Action != "" {
				f(e)
			} else {
				other(line)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// show writes what people want to see of the stream: a line per package that has tests, and all
// that a test wrote which failed or was skipped.
func show(stream io.Reader, w io.Writer) error {
	written := make(map[test]*strings.Builder)
	write := func(text string) { fmt.Fprint(w, text) }
	return eachEvent(stream, func(e event) {
		t := test{e.Package, e.Test}
		switch {
		case e.Action == "build-output":
			write(e.Output)
		case e.Action == "output" && e.Test == "":
			if e.Output != "PASS\n" && !strings.HasPrefix(e.Output, "?") {
				write(e.Output)
			}
		case e.Action == "output" && !strings.HasPrefix(e.Output, "=== "):
			if written[t] == nil {
				written[t] = new(strings.Builder)
			}
			written[t].WriteString(e.Output)
		case e.Test == "" && e.Action == "fail":
			// What a test wrote that never ended, such as a panic, is what matters most.
			for u, text := range written {
				if u.pkg == e.Package {
					write(text.String())
					delete(written, u)
				}
			}
		case e.Action == "fail" || e.Action == "skip":
			if text := written[t]; text != nil {
				write(text.String())
			}
			delete(written, t)
		case e.Action == "pass":
			delete(written, t)
		}
	}, write)
}

// countGo counts the tests of the stream. A test with subtests counts by them, and by itself
// only where it fails and none of them does; likewise a package and its tests. What began and
// never ended has failed. Of a test that ran again the second run counts: one that failed in the
// first is flaky where it passed in the second, and has failed where it was skipped.
func countGo(stream io.Reader) (result, error) {
	last := make(map[test]string)
	everFailed := make(map[test]bool)
	err := eachEvent(stream, func(e event) {
		t := test{e.Package, e.Test}
		switch e.Action {
		case "start", "run", "pass", "fail", "skip":
			everFailed[t] = everFailed[t] || e.Action == "fail"
			if e.Action != "skip" || !everFailed[t] {
				last[t] = e.Action
			}
		}
	}, func(string) {})
	if err != nil {
		return result{}, err
	}
	hasParts := make(map[test]bool)
	partFailed := make(map[test]bool)
	partFlaky := make(map[test]bool)
	for t, action := range last {
		for parent, ok := t.parent(); ok; parent, ok = parent.parent() {
			hasParts[parent] = true
			partFailed[parent] = partFailed[parent] || failed(action)
			partFlaky[parent] = partFlaky[parent] || everFailed[t] && action == "pass"
		}
	}
	var r result
	for t, action := range last {
		if everFailed[t] && action == "pass" && !partFlaky[t] && !partFailed[t] {
			r.flaky = append(r.flaky, t.String())
		}
		switch {
		case failed(action):
			if !partFailed[t] {
				r.failed++
			}
		case hasParts[t] || t.name == "":
		case action == "skip":
			r.skipped++
		default:
			r.passed++
		}
	}
	slices.Sort(r.flaky)
	return r, nil
}

func failed(action string) bool { return action != "pass" && action != "skip" }

// parent returns the test or package that t is a part of.
func (t test) parent() (test, bool) {
	if t.name == "" {
		return test{}, false
	}
	above := t.name[:max(0, strings.LastIndex(t.name, "/"))]
	return test{t.pkg, above}, true
}

// String names the test for people: "example.test/pkg.TestName/subtest".
func (t test) String() string { return strings.TrimSuffix(t.pkg+"."+t.name, ".") }
