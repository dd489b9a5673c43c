package main

import (
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// mostFlaky is how many failed tests may be flaky: of more, something is broken.
const mostFlaky = 5

// failedPackage is a package of which tests failed.
type failedPackage struct {
	pkg string
	// tests are the names of the tests that failed, without those of their subtests.
	tests []string
}

// pattern matches the names of the tests, and no others.
func (p failedPackage) pattern() string {
	quoted := make([]string, len(p.tests))
	for i, name := range p.tests {
		quoted[i] = regexp.QuoteMeta(name)
	}
	return "^(" + strings.Join(quoted, "|") + ")$"
}

// fate is what became of a package.
type fate struct {
	// failed are the names of the tests that failed, without those of their subtests.
	failed map[string]bool
	// running are the tests that began and have not ended.
	running map[string]bool
	// reachedEnd is set once the test binary told its verdict.
	reachedEnd bool
	// hasFailed is set once the package has.
	hasFailed bool
}

// mayBeFlaky returns the failed tests of the stream by package, in the order of their names; none
// where not only tests failed, or too many.
func mayBeFlaky(stream io.Reader) ([]failedPackage, error) {
	fates := make(map[string]*fate)
	hopeless := false
	err := eachEvent(stream, func(e event) {
		hopeless = hopeless || e.Action == "build-fail" || strings.Contains(e.Output, "DATA RACE")
		if e.Package == "" {
			return
		}
		if fates[e.Package] == nil {
			fates[e.Package] = &fate{failed: make(map[string]bool), running: make(map[string]bool)}
		}
		fates[e.Package].take(e)
	}, func(line string) {
		hopeless = hopeless || strings.Contains(line, "DATA RACE")
	})
	if err != nil || hopeless {
		return nil, err
	}
	var failed []failedPackage
	total := 0
	for _, pkg := range slices.Sorted(maps.Keys(fates)) {
		f := fates[pkg]
		if len(f.running) > 0 || f.hasFailed && (!f.reachedEnd || len(f.failed) == 0) {
			return nil, nil
		}
		if len(f.failed) > 0 {
			failed = append(failed, failedPackage{pkg, slices.Sorted(maps.Keys(f.failed))})
			total += len(f.failed)
		}
	}
	if total > mostFlaky {
		return nil, nil
	}
	return failed, nil
}

// take takes over an event of the package or one of its tests.
func (f *fate) take(e event) {
	switch e.Action {
	case "run":
		f.running[e.Test] = true
	case "pass", "skip", "fail":
		delete(f.running, e.Test)
	case "output":
		// A test binary writes it alone in a line once all its tests have ended.
		f.reachedEnd = f.reachedEnd || e.Test == "" && e.Output == "FAIL\n"
	}
	if e.Action != "fail" {
		return
	}
	if e.Test == "" {
		f.hasFailed = true
		return
	}
	name, _, _ := strings.Cut(e.Test, "/")
	f.failed[name] = true
}
