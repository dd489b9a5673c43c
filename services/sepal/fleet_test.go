package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"

	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// fleet is processes that serve the same, and a balancer that takes out who is not ready, as
// Kubernetes does. Nothing is sent twice.
type fleet struct {
	names    *manual.Resolver // of those that are ready, for grpc-go
	failures failures
	pulse    pulse

	mu      sync.Mutex
	members []*member
	gone    []*member
	turn    int
}

// member is one process, from its start to its end.
type member struct {
	process  *served
	clients  map[string]predictionv1connect.PredictionServiceClient // by protocol
	ready    atomic.Bool
	answered atomic.Int64
	told     atomic.Pointer[time.Time] // when it was told to stop; nil: it was not
	ended    atomic.Pointer[time.Time] // when it had done so
}

// drainDelay is how long a process of a fleet serves on when it is told to stop.
const drainDelay = 4 * time.Second

// late reports whether a balancer or client that was kept from its work, as by a busy machine, is to
// blame for a request that reached the process then.
func (m *member) late(reached time.Time) bool {
	told := m.told.Load()
	return told != nil && reached.Sub(*told) > drainDelay/2
}

// attempt is one request. Between the choice of its process and when it has been written, a client
// may be kept waiting for any time.
type attempt struct{ reached atomic.Pointer[time.Time] }

func (a *attempt) written() {
	now := time.Now()
	a.reached.CompareAndSwap(nil, &now)
}

// whole returns the context of a request that has reached its process as a whole.
func (a *attempt) whole(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(i httptrace.WroteRequestInfo) {
		if i.Err == nil {
			a.written()
		}
	}})
}

// begun returns the context of a request of HTTP/2 whose messages follow.
func (a *attempt) begun(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: a.written})
}

// late is that of a process which the request was meant for, and has failed by now.
func (a *attempt) late(m *member) bool {
	if reached := a.reached.Load(); reached != nil {
		return m.late(*reached)
	}
	return m.late(time.Now())
}

// startMember starts a process that is not ready as far as its fleet knows.
func startMember(t *testing.T) *member {
	t.Helper()
	m := &member{
		process: serve(t, "SEPAL_DRAIN_DELAY="+drainDelay.String(), "SEPAL_STOP_TIMEOUT=1m"),
		clients: map[string]predictionv1connect.PredictionServiceClient{},
	}
	for _, p := range testenv.Protocols() {
		client := testenv.HTTPClient(t, p.HTTP2())
		client.Transport = onlyOnce{client.Transport}
		m.clients[p.Name] = predictionv1connect.NewPredictionServiceClient(client, m.process.url, p.Options()...)
	}
	return m
}

// onlyOnce keeps the client of net/http from sending a request again by itself.
type onlyOnce struct{ http.RoundTripper }

func (o onlyOnce) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.GetBody = nil
	if r.Body == nil {
		r.Body = io.NopCloser(strings.NewReader("")) // a request without a body may be sent again
	}
	return o.RoundTripper.RoundTrip(r)
}

// startFleet starts processes and waits until they are ready.
func startFleet(t *testing.T, size int) *fleet {
	t.Helper()
	f := &fleet{names: manual.NewBuilderWithScheme("fleet")}
	for range size {
		f.members = append(f.members, startMember(t))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var probing sync.WaitGroup
	f.pulse.last.Store(new(time.Now()))
	probing.Go(func() { f.probe(ctx) })
	probing.Go(func() { f.pulse.beat(ctx) })
	t.Cleanup(func() {
		cancel()
		probing.Wait()
		for _, text := range f.failures.first {
			t.Log(text)
		}
	})
	for _, m := range f.members {
		f.await(t, m.ready.Load)
	}
	return f
}

// pulse tells whether the clients were kept from their work.
type pulse struct{ last, missed atomic.Pointer[time.Time] }

// mostStill is far below the second that a server of HTTP/2 leaves its clients to read how their
// streams end, before it closes their connection.
const mostStill = 300 * time.Millisecond

func (p *pulse) beat(ctx context.Context) {
	for ctx.Err() == nil {
		now := time.Now()
		if now.Sub(*p.last.Load()) > mostStill {
			p.missed.Store(&now)
		}
		p.last.Store(&now)
		time.Sleep(pause)
	}
}

// stoodStill reports whether it did so after a moment.
func (p *pulse) stoodStill(since time.Time) bool {
	missed := p.missed.Load()
	return missed != nil && missed.After(since) || time.Since(*p.last.Load()) > mostStill
}

// probe asks every process whether it is ready, again and again.
func (f *fleet) probe(ctx context.Context) {
	// Who is slow to answer is not taken out: all are where the machine is busy.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for ctx.Err() == nil {
		changed := false
		for _, m := range f.present() {
			ready := isReady(ctx, client, m.process.url)
			if ctx.Err() != nil {
				return
			}
			changed = m.ready.Swap(ready) != ready || changed
		}
		if changed {
			f.names.UpdateState(resolver.State{Addresses: f.addresses()})
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func isReady(ctx context.Context, client *http.Client, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return false
	}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	return response.Body.Close() == nil && response.StatusCode == http.StatusOK
}

func (f *fleet) present() []*member {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*member(nil), f.members...)
}

func (f *fleet) addresses() []resolver.Address {
	var all []resolver.Address
	for _, m := range f.present() {
		if m.ready.Load() {
			all = append(all, resolver.Address{Addr: strings.TrimPrefix(m.process.url, "http://")})
		}
	}
	return all
}

// pick returns the next process that is ready, in turn; nil where there is none.
func (f *fleet) pick() *member {
	f.mu.Lock()
	defer f.mu.Unlock()
	for range f.members {
		f.turn++
		if m := f.members[f.turn%len(f.members)]; m.ready.Load() {
			return m
		}
	}
	return nil
}

// restart stops a process as an orchestrator does, and starts another in its place once it has
// ended.
func (f *fleet) restart(t *testing.T, place int) {
	t.Helper()
	m := f.members[place] // which only this goroutine exchanges
	told := time.Now()
	m.told.Store(&told)
	m.process.signal(t, syscall.SIGTERM)
	if line := m.process.waitFor(t, "stopped"); line.Level != "info" {
		t.Errorf("process %d: %+v", place, line)
	}
	if status := m.process.wait(t); status.ExitStatus() != exitOK {
		t.Errorf("process %d ended with %v", place, m.process.command.ProcessState)
	}
	ended := time.Now()
	m.ended.Store(&ended)
	next := startMember(t)
	f.mu.Lock()
	f.members[place], f.gone = next, append(f.gone, m)
	f.mu.Unlock()
}

// await waits until a condition holds, or something has failed.
func (f *fleet) await(t *testing.T, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if f.failures.any() {
			t.Fatal("requests fail")
		}
		if time.Now().After(end) {
			t.Fatal("it never comes to hold")
		}
	}
}

// failures are what went wrong, the first few of them.
type failures struct {
	mu    sync.Mutex
	first []string
	count int
}

func (f *failures) add(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	const most = 10
	if f.count++; f.count <= most {
		f.first = append(f.first, text)
	}
}

func (f *failures) any() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count > 0
}
