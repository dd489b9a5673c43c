package conformance_test

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// h2specCase is one of h2spec's, with what became of it.
type h2specCase struct {
	id      string // such as http2/6.5.3/1
	title   string
	failed  bool
	skipped bool
	why     string // it failed
}

func (c h2specCase) String() string { return c.id + " " + c.title }

// junit is h2spec's report, as far as it is read.
type junit struct {
	Suites []struct {
		Package string `xml:"package,attr"`
		Tests   int    `xml:"tests,attr"`
		Cases   []struct {
			Title   string    `xml:"classname,attr"`
			Failure *string   `xml:"failure"`
			Error   *string   `xml:"error"`
			Skipped *struct{} `xml:"skipped"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

// readReport returns the cases of a report of h2spec. It numbers the cases of a section in their
// order, as h2spec does.
func readReport(data []byte) ([]h2specCase, error) {
	var report junit
	if err := xml.Unmarshal(data, &report); err != nil {
		return nil, fmt.Errorf("h2spec's report: %w", err)
	}
	var cases []h2specCase
	for _, suite := range report.Suites {
		if len(suite.Cases) != suite.Tests {
			return nil, fmt.Errorf("h2spec's report: %s has %d cases, expected %d", suite.Package, len(suite.Cases), suite.Tests)
		}
		for i, c := range suite.Cases {
			read := h2specCase{id: fmt.Sprintf("%s/%d", suite.Package, i+1), title: c.Title, skipped: c.Skipped != nil}
			for _, why := range []*string{c.Failure, c.Error} {
				if why != nil {
					read.failed, read.why = true, strings.Join(strings.Fields(*why), " ")
				}
			}
			cases = append(cases, read)
		}
	}
	return cases, nil
}

// missingCases returns what is wrong with the numbers of cases, or "".
func missingCases(cases []h2specCase) string {
	got := make(map[string]int)
	for _, c := range cases {
		kind, _, _ := strings.Cut(c.id, "/")
		got[kind]++
	}
	return cmp.Diff(h2specCases(), got)
}

func TestReadReport(t *testing.T) {
	t.Parallel()
	got, err := readReport([]byte(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="3.5. SETTINGS" package="generic/3.5" id="3.5" tests="1" skipped="1" failures="0" errors="0">
    <testcase package="generic/3.5" classname="Sends a SETTINGS frame" time="0.0003"><skipped></skipped></testcase>
  </testsuite>
  <testsuite name="4.2. Frame Size" package="http2/4.2" id="4.2" tests="2" skipped="0" failures="0" errors="1">
    <testcase package="http2/4.2" classname="Sends a DATA frame" time="0.0003"></testcase>
    <testcase package="http2/4.2" classname="Sends a large &#34;DATA&#34; frame" time="2.0"><error>GOAWAY Frame
Timeout</error></testcase>
  </testsuite>
</testsuites>`))
	if err != nil {
		t.Fatal(err)
	}
	want := []h2specCase{
		{id: "generic/3.5/1", title: "Sends a SETTINGS frame", skipped: true},
		{id: "http2/4.2/1", title: "Sends a DATA frame"},
		{id: "http2/4.2/2", title: `Sends a large "DATA" frame`, failed: true, why: "GOAWAY Frame Timeout"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(h2specCase{})); diff != "" {
		t.Errorf("cases: -want +got\n%s", diff)
	}
	if missingCases(got) == "" {
		t.Error("three cases count as all")
	}
}

func TestReadReportThatIsBroken(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"cut short":      `<testsuites><testsuite package="http2/4.2" tests="1">`,
		"a case less":    `<testsuites><testsuite package="http2/4.2" tests="2"><testcase classname="Sends a DATA frame"></testcase></testsuite></testsuites>`,
		"nothing at all": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if cases, err := readReport([]byte(text)); err == nil {
				t.Errorf("cases %v, expected an error", cases)
			}
		})
	}
}
