package conformance_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/doors"
)

// connectCases is how many cases the suite makes of connect.yaml.
const connectCases = 3640

// exception is a case in which Sepal answers other than the suite expects.
type exception struct {
	suite, name string
	protocol    string // the only one, or empty
	symptom     string // what the suite says then; another failure is none that is known
	maybe       bool   // whether the suite says so is chance
}

// exceptions are all of them. Where Connect refuses without a word, Sepal answers with an error in
// JSON, whose code and text say what to do: package rpc, Unheard.
//
// The suite's own client looks at that JSON, but where it speaks gRPC or gRPC-Web it reads the
// status alone. As much of the JSON as has arrived until then it calls broken.
func exceptions() []exception {
	const (
		connect, grpc, web = "PROTOCOL_CONNECT", "PROTOCOL_GRPC", "PROTOCOL_GRPC_WEB"
		unread             = "connect error JSON: unexpected end of JSON input"
	)
	return []exception{
		{suite: "Connect Unexpected Requests", name: "unexpected-codec", symptom: "is not read here: send application/json"},
		{suite: "Connect Unexpected Requests", name: "unexpected-verb", symptom: "DELETE is not answered here: send POST"},
		{suite: "Unexpected Requests", protocol: connect, name: "unexpected-content-type", symptom: "is not read here: send application/json"},
		{suite: "Unexpected Requests", protocol: grpc, name: "unexpected-content-type", symptom: unread, maybe: true},
		{suite: "Unexpected Requests", protocol: web, name: "unexpected-content-type", symptom: unread, maybe: true},
		{suite: "gRPC Unexpected Requests", name: "unexpected-codec", symptom: unread, maybe: true},
		{suite: "gRPC Unexpected Requests", name: "unexpected-verb", symptom: unread, maybe: true},
		{suite: "gRPC-Web Unexpected Requests", name: "unexpected-codec", symptom: unread, maybe: true},
		{suite: "gRPC-Web Unexpected Requests", name: "unexpected-verb", symptom: unread, maybe: true},
		// Client and server have the same deadline: the client may stop reading in the midst of the
		// answer that says so.
		{suite: "Timeouts", protocol: connect, name: "unary", symptom: unread, maybe: true},
		// A message that nobody can read is the client's fault, and Sepal says so: INVALID_ARGUMENT
		// where the suite expects INTERNAL.
		{suite: "Connect Unexpected Requests", name: "unexpected-compressed-message", symptom: "code: 3 (invalid_argument), message: \"protocol error: sent compressed message"},
	}
}

// pattern returns the exception's cases as the suite takes them.
func (e exception) pattern() string {
	if e.protocol != "" {
		return e.suite + "/**/Protocol:" + e.protocol + "/**/" + e.name
	}
	return e.suite + "/**/" + e.name
}

// covers reports whether the case is the exception's.
func (e exception) covers(name string) bool {
	parts := "/" + name + "/"
	return strings.HasPrefix(name, e.suite+"/") && strings.HasSuffix(name, "/"+e.name) &&
		(e.protocol == "" || strings.Contains(parts, "/Protocol:"+e.protocol+"/"))
}

func TestConnect(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, door := range doors.Names() {
		t.Run(door, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			sum, problems := read(connectconformance(t, self, door), connectCases)
			for _, p := range problems {
				if p.timed() && len(problems) <= mostAgain && again(t, self, door, p.name) {
					t.Logf("%s; tried alone it passes", p)
					sum.passed, sum.failed = sum.passed+1, sum.failed-1
					continue
				}
				t.Error(p)
			}
			sum.name, sum.took = "Connect: "+door, time.Since(began)
			sum.add()
		})
	}
}

// connectconformance runs the suite, or those of its cases, with the tests' own binary as the server,
// and returns what it prints.
func connectconformance(t *testing.T, self string, door string, cases ...string) string {
	t.Helper()
	// Few at a time: some cases look at how late a request arrives.
	args := []string{"--mode", "server", "--conf", "connect.yaml", "--max-servers", "2", "--parallel", "4"}
	for _, e := range exceptions() {
		flag := "--known-failing"
		if e.maybe {
			flag = "--known-flaky"
		}
		args = append(args, flag, e.pattern())
	}
	for _, name := range cases {
		args = append(args, "--run", name)
	}
	return judge(t, "connectconformance", []string{serveVariable + "=" + door}, append(args, "--", self)...)
}

// mostAgain is how many cases may fail for some of them to be tried again.
const mostAgain = 5

// again tries a case alone, some times, and reports whether it passes.
func again(t *testing.T, self string, door, name string) bool {
	t.Helper()
	const tries = 3
	for range tries {
		if _, problems := read(connectconformance(t, self, door, name), 1); len(problems) == 0 {
			return true
		}
	}
	return false
}

// problem is a case that fails, or what is wrong with the run as a whole, which has no name.
type problem struct{ name, text string }

func (p problem) String() string { return strings.TrimSpace(p.name + p.text) }

// timed reports whether the case has a deadline of a fraction of a second, which a machine that is
// busy with other things may miss.
func (p problem) timed() bool {
	return strings.HasPrefix(p.name, "Deadline Propagation/") || strings.HasPrefix(p.name, "Timeouts/")
}

var (
	// told is what the suite prints of a case, and the lines after it that say more.
	told = regexp.MustCompile(`(?m)^(FAILED|INFO): (.+?)( failed \(as expected\):|:| was expected to fail but did not)\n((?:\t.*\n)*)`)
	// sums is how it ends.
	sums = regexp.MustCompile(`Total cases: (\d+)\n(\d+) passed, (\d+) failed`)
)

// read returns what the suite's output comes to, and what is wrong with the server, or with a run
// that did not try so many cases.
func read(out string, cases int) (sum result, problems []problem) {
	for _, m := range told.FindAllStringSubmatch(out, -1) {
		kind, name, how, why := m[1], m[2], m[3], strings.Join(strings.Fields(m[4]), " ")
		switch {
		case kind == "FAILED":
			problems = append(problems, problem{name, how + " " + why})
		case !excused(name, why):
			problems = append(problems, problem{name, " fails, as known, but for another reason: " + why})
		default:
			sum.excused++
		}
	}
	sum.failed = len(problems)
	m := sums.FindStringSubmatch(out)
	if m == nil {
		return sum, append(problems, problem{text: "the suite has come to no end: " + out})
	}
	sum.cases, sum.passed = number(m[1]), number(m[2])
	if sum.cases != cases || sum.passed+sum.excused+sum.failed != cases {
		sum.failed++
		problems = append(problems, problem{text: fmt.Sprintf("expected %d cases, and a line for each that does not pass; the suite prints:\n%s", cases, out)})
	}
	return sum, problems
}

// number returns the value of some digits.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return -1
	}
	return n
}

// excused reports whether a case may fail so.
func excused(name, why string) bool {
	return slices.ContainsFunc(exceptions(), func(e exception) bool { return e.covers(name) && strings.Contains(why, e.symptom) })
}

func TestReadConnect(t *testing.T) {
	t.Parallel()
	const (
		known  = "INFO: Connect Unexpected Requests/HTTPVersion:1/TLS:true/unexpected-verb failed (as expected):\n\tactual error: DELETE is not answered here: send POST\n\n"
		other  = "INFO: Connect Unexpected Requests/HTTPVersion:1/TLS:true/unexpected-verb failed (as expected):\n\tEOF\n\n"
		fails  = "FAILED: Basic/HTTPVersion:2/unary/success:\n\tactual error: EOF\n\tactual payload missing\n\n"
		passes = "FAILED: Unexpected Requests/HTTPVersion:2/unexpected-content-type was expected to fail but did not\n"
	)
	for name, test := range map[string]struct {
		out  string
		want []string // how the problems begin
	}{
		"all well":                  {known + "\nTotal cases: 3\n2 passed, 0 failed\n(Another 1 failed as expected due to being known failures/flakes.)\n", nil},
		"a case fails":              {known + fails + "\nTotal cases: 3\n1 passed, 1 failed\n", []string{"Basic/HTTPVersion:2/unary/success: actual error: EOF actual payload missing"}},
		"an exception passes":       {passes + "\nTotal cases: 3\n2 passed, 1 failed\n", []string{"Unexpected Requests/HTTPVersion:2/unexpected-content-type was expected to fail"}},
		"an exception of its own":   {other + "\nTotal cases: 3\n2 passed, 0 failed\n", []string{"Connect Unexpected Requests/HTTPVersion:1/TLS:true/unexpected-verb fails, as known, but"}},
		"a case less":               {"Total cases: 2\n2 passed, 0 failed\n", []string{"expected 3 cases"}},
		"a failure without a line":  {"Total cases: 3\n2 passed, 1 failed\n", []string{"expected 3 cases"}},
		"cases that could not run":  {"Total cases: 3\n2 passed, 0 failed\nAnother 1 could not be run due to client timing out or exiting prematurely.\n", []string{"expected 3 cases"}},
		"a suite that does not end": {"fatal error", []string{"the suite has come to no end: fatal error"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, got := read(test.out, 3)
			if !slices.EqualFunc(got, test.want, func(p problem, want string) bool { return strings.HasPrefix(p.String(), want) }) {
				t.Errorf("problems %q, expected %q", got, test.want)
			}
		})
	}
}
