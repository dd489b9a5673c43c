package conformance_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/certs/certstest"
	"github.com/sepal-ml/sepal/services/internal/conformance"
	"github.com/sepal-ml/sepal/services/internal/doors"
	"github.com/sepal-ml/sepal/services/internal/h2"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// h2specCases is how many cases h2spec has of each kind, the strict ones among them.
func h2specCases() map[string]int { return map[string]int{"generic": 44, "http2": 95, "hpack": 7} }

// h2specPath is what h2spec asks for, by GET where nothing else matters. Sepal's answer to that has
// a few dozen bytes, and waits for the end of the request. It does not wait to refuse a POST.
const h2specPath = "/sepal.prediction.v1.PredictionService/Health?connect=v1&encoding=json&message=%7B%7D"

// target is a server that h2spec tries.
type target struct {
	name string
	// start starts it and returns its address.
	start func(t *testing.T, door string, secure bool) string
	// eager says that it may refuse a request before it has seen the end of it.
	eager bool
	// alone says that nothing but HTTP/2 is spoken on its port, in clear text and by Sepal's own server.
	alone bool
}

func targets() []target {
	return []target{
		{name: "Sepal", start: startSepal, eager: true},
		{name: "doors alone", start: startDoors},
		{name: "h2 alone", start: startAlone, alone: true},
	}
}

// startSepal starts the whole server.
func startSepal(t *testing.T, door string, secure bool) string {
	t.Helper()
	o := testenv.Options()
	o.HTTP2 = door
	if secure {
		o.TLSCert, o.TLSKey = certstest.WritePair(t, t.TempDir(), certstest.New(t, "h2spec").Server(t))
	}
	return testenv.Start(t, o).Address
}

// startDoors starts a server that answers whatever it is asked when it has seen the end of it.
func startDoors(t *testing.T, door string, secure bool) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var config *tls.Config
	if secure {
		config = &tls.Config{
			MinVersion:   tls.VersionTLS13,
			Certificates: []tls.Certificate{certstest.New(t, "h2spec").Server(t).TLS()},
			NextProtos:   []string{"h2", "http/1.1"},
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- conformance.Serve(ctx, listener, door, config, patient())
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

// startAlone starts a server of package h2 that serves every connection as one of HTTP/2.
func startAlone(t *testing.T, _ string, _ bool) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := h2.New(h2.Config{ErrorLog: log.New(io.Discard, "", 0)})
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return // the test has ended
			}
			serving.Go(func() { server.ServeConn(t.Context(), c, h2.Connection{Handler: patient()}) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close() // nothing is lost with it
		server.Drain()
		serving.Wait()
		server.Close()
	})
	return listener.Addr().String()
}

// patient returns a handler that answers whatever it is asked when it has seen the end of it.
func patient() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			_, _ = io.WriteString(w, "this is all there is to say\n") // the client may be gone
		}
	})
}

// h2specRefusals are the cases that a door does not pass, and why. The native one has none of its own:
// pure says that nothing but HTTP/2 is spoken.
func h2specRefusals(door string, pure bool) map[string]string {
	known := make(map[string]string)
	if !pure {
		// No client of HTTP/2 begins so. h2spec takes the answer for a frame that is broken.
		known["http2/3.5/2"] = "the port speaks HTTP/1.1 too, and answers as that does: with 400, and closes"
	}
	if door == doors.NetHTTP {
		known["http2/6.5.3/1"] = "net/http hangs up on settings that name one twice"
		known["http2/8.1.2.2/1"] = "net/http answers a header Connection with 400, and does not reset the stream"
		known["http2/8.1.2.2/2"] = "net/http answers a TE other than trailers with 400, and does not reset the stream"
	}
	return known
}

// h2specRaces are the cases that begin a POST well and go on wrong. A server that has answered by
// then has closed the stream, and has no more to say. Only one that waits can be judged by them.
func h2specRaces() []string {
	return []string{"http2/8.1/1", "http2/8.1.2.1/3", "http2/8.1.2.6/1", "http2/8.1.2.6/2"}
}

func TestH2Spec(t *testing.T) {
	t.Parallel()
	for _, target := range targets() {
		for _, door := range doors.Names() {
			for _, secure := range []bool{false, true} {
				if target.alone && (secure || door != doors.Native) {
					continue
				}
				name := fmt.Sprintf("%s, %s, clear text", target.name, door)
				if secure {
					name = fmt.Sprintf("%s, %s, TLS", target.name, door)
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					h2spec(t, target, door, secure).as("h2spec: " + name).add()
				})
			}
		}
	}
}

// h2spec lets h2spec try a server, and returns what came of it.
func h2spec(t *testing.T, target target, door string, secure bool) result {
	t.Helper()
	args, began := h2specArgs(t, target.start(t, door, secure), secure), time.Now()
	cases, out := runH2spec(t, args)
	if cases == nil {
		t.Fatalf("h2spec has written no report that can be read:\n%s", out)
	}
	if missing := missingCases(cases); missing != "" {
		t.Errorf("not all cases were tried: -want +got\n%s", missing)
	}
	sum, known := result{cases: len(cases), took: time.Since(began)}, h2specRefusals(door, secure || target.alone)
	for _, c := range cases {
		why, refused := known[c.id]
		switch {
		case c.skipped:
			t.Errorf("%s was skipped", c)
			sum.failed++
		case refused && !c.failed:
			t.Errorf("%s passes, and was to fail, since %s", c, why)
			sum.failed++
		case !c.failed:
			sum.passed++
		case refused:
			t.Logf("%s fails as known: %s", c, why)
			sum.excused++
		case target.eager && slices.Contains(h2specRaces(), c.id):
			t.Logf("%s fails since the answer came first", c)
			sum.excused++
		default:
			t.Errorf("%s fails: %s", c, c.why)
			sum.failed++
		}
	}
	return sum
}

// h2specArgs are the arguments of h2spec, but for the report.
func h2specArgs(t *testing.T, address string, secure bool) []string {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{
		"--strict", "--host", host, "--port", port, "--path", h2specPath,
		"--timeout", "5", // s, which only a case waits that fails
		"--max-header-length", "16000", // five of them are more than the largest frame that is read
	}
	if secure {
		args = append(args, "--tls", "--insecure")
	}
	return args
}

// runH2spec runs h2spec and returns the cases and what it printed. There are no cases where it has
// given up.
func runH2spec(t *testing.T, args []string) ([]h2specCase, string) {
	t.Helper()
	report := filepath.Join(t.TempDir(), "report.xml")
	out := judge(t, "h2spec", nil, append([]string{"--junit-report", report}, args...)...)
	data, err := os.ReadFile(report)
	if err != nil {
		return nil, out
	}
	cases, err := readReport(data)
	if err != nil {
		return nil, err.Error() + "\n" + out
	}
	return cases, out
}
