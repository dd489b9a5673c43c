package main

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// soakVariable says how long TestSoak runs, such as 1h.
const soakVariable = "SEPAL_SOAK"

// TestSoak asks a process for all that it does, in rounds, and looks after each at what it holds:
// once it has warmed up, that must not become more. The process is of the binary as it is shipped,
// even where the test looks for races: what their detector holds says nothing.
func TestSoak(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes a minute")
	}
	duration, err := time.ParseDuration(cmp.Or(os.Getenv(soakVariable), "60s"))
	if err != nil {
		t.Fatalf("%s: %v", soakVariable, err)
	}
	s := startSoak(t, shipped(t))
	const fewest = 15 // rounds: three to warm up, and two times six to compare
	var curve []held
	start := time.Now()
	for round := 0; round < fewest || time.Since(start) < duration; round++ {
		s.round(t, round)
		now := s.rest(t)
		curve = append(curve, now)
		if round%10 == 0 {
			t.Logf("%8v  round %5d  %v", time.Since(start).Round(time.Second), round, now)
		}
		time.Sleep(200 * time.Millisecond) // others need processors too
	}
	t.Logf("%8v  round %5d  %v", time.Since(start).Round(time.Second), len(curve), curve[len(curve)-1])
	requireNoGrowth(t, curve)
	s.stop(t)
}

// TestSoakHasNoRaces does some of its rounds with a process of the test binary, which ends with an
// error where the detector of races is in it and finds any.
func TestSoakHasNoRaces(t *testing.T) {
	t.Parallel()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := startSoak(t, executable)
	for round := range s.versions {
		s.round(t, round)
	}
	s.stop(t)
}

// shipped builds the binary, as `task build` does.
func shipped(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sepal")
	command := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags=grpcnotrace", "-ldflags=-s -w", "-o", path, ".")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// held is what a process holds at rest.
type held struct {
	goroutines, descriptors float64
	heap                    float64 // at which it collects garbage next: a multiple of what is live
}

func (h held) String() string {
	return fmt.Sprintf("goroutines %4.0f  descriptors %4.0f  heap %6.1f MiB", h.goroutines, h.descriptors, h.heap/(1<<20))
}

// requireNoGrowth compares the least that was held in the last two fifths with the least of those
// before: what has not been given back yet only adds to it, and a leak raises it for good. Nothing
// that is lost in each round stays below what is allowed, which is for what is lost once in a while.
func requireNoGrowth(t *testing.T, curve []held) {
	t.Helper()
	fifth := len(curve) / 5
	before, after := curve[fifth:3*fifth], curve[3*fifth:]
	for _, of := range []struct {
		what    string
		value   func(held) float64
		allowed float64
	}{
		{"goroutines", func(h held) float64 { return h.goroutines }, 8},
		{"descriptors", func(h held) float64 { return h.descriptors }, 4},
		{"bytes of heap", func(h held) float64 { return h.heap }, 6 << 20},
	} {
		least := func(list []held) float64 {
			return of.value(slices.MinFunc(list, func(a, b held) int { return cmp.Compare(of.value(a), of.value(b)) }))
		}
		if was, is := least(before), least(after); is > was+of.allowed {
			t.Errorf("%s grow from %.0f to %.0f", of.what, was, is)
		}
	}
}

// soak is a process that is soaked.
type soak struct {
	process  *served
	silent   chan struct{} // closed when the process has closed its log
	root     string        // of its registry
	scraper  *http.Client
	versions []soakVersion
}

type soakVersion struct {
	name string
	file []byte
}

func startSoak(t *testing.T, binary string) *soak {
	t.Helper()
	s := &soak{silent: make(chan struct{}), root: testenv.IrisRegistry(t, "v1.0.0"), scraper: testenv.HTTPClient(t, false)}
	// It collects garbage often, so that some look sees little of it; no request runs out of time.
	s.process = serveBy(t, binary, "MODEL_PATH="+s.root, "SEPAL_POLL_INTERVAL=200ms", "SEPAL_MAX_MESSAGE_BYTES=65536", "GOGC=25", "SEPAL_REQUEST_TIMEOUT=5m")
	go func() {
		for s.process.log.Scan() { // a full pipe would keep the process waiting
		}
		close(s.silent)
	}()
	for i := range 4 {
		name := fmt.Sprintf("v1.1.%d", i)
		s.versions = append(s.versions, soakVersion{name, testenv.IrisFile(t, name)})
	}
	return s
}

// stop ends the process, which must end well.
func (s *soak) stop(t *testing.T) {
	t.Helper()
	s.process.signal(t, os.Interrupt)
	<-s.silent
	if err := s.process.command.Wait(); err != nil {
		t.Errorf("ended with %v", err)
	}
}

// round does all there is to do, in all protocols at once.
func (s *soak) round(t *testing.T, round int) {
	t.Helper()
	var work sync.WaitGroup
	for _, p := range testenv.Protocols() {
		// Each round has connections of its own.
		own := &connections{}
		client := &soakClient{t: t, protocol: p, url: s.process.url, http: own.client(p.HTTP2())}
		work.Go(func() {
			defer own.close(t)
			client.ask()
		})
	}
	work.Go(func() { s.breakOff(t) })
	work.Go(func() { s.change(t, s.versions[round%len(s.versions)]) })
	work.Wait()
}

// rest waits for a moment in which the process has given back what a round took, and returns what
// it holds then: the least of some looks.
func (s *soak) rest(t *testing.T) held {
	t.Helper()
	least := s.look(t)
	for range 10 {
		time.Sleep(10 * time.Millisecond)
		now := s.look(t)
		least.goroutines = min(least.goroutines, now.goroutines)
		least.descriptors = min(least.descriptors, now.descriptors)
		least.heap = min(least.heap, now.heap)
	}
	return least
}

// look reads what the process holds from its metrics.
func (s *soak) look(t *testing.T) held {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.process.url+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := s.scraper.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	value := func(name string) float64 {
		series := families[name].GetMetric()
		if len(series) != 1 {
			if strings.HasPrefix(name, "process_") {
				t.Skipf("this system does not tell %s", name)
			}
			t.Fatalf("there is no %s", name)
		}
		return series[0].GetGauge().GetValue()
	}
	return held{
		goroutines:  value("go_goroutines"),
		descriptors: value("process_open_fds"),
		heap:        value("go_memstats_next_gc_bytes"),
	}
}
