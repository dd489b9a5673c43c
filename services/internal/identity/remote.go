package identity

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// maxSet is how large a set of keys may be that is fetched, in bytes.
const maxSet = 512 << 10

// isURL reports whether the place of keys is a URL, not a file.
func isURL(place string) bool { return strings.Contains(place, "://") }

// parseURL returns the URL of a set of keys. Without TLS anybody on the way could put keys into it.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("the URL cannot be read") // the error would quote it, and what is secret in it
	case u.Host == "":
		return nil, errors.New("the URL has no host")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return u, nil
	case u.Scheme == "http":
		return nil, fmt.Errorf("%s is not encrypted, so anybody on the way could put in keys; use https, or fetch the set to a file by other means and name that", shownURL(u))
	default:
		return nil, errors.New("expected a URL with https, or the path of a file")
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// shownURL returns a URL without what may be secret in it.
func shownURL(u *url.URL) string { return u.Scheme + "://" + u.Host + u.EscapedPath() }

// remote is a set of keys at a URL, which is fetched again and again.
type remote struct {
	url    *url.URL
	client *http.Client
	logger zerolog.Logger
	use    func(*ring)
	timing timing

	failing atomic.Bool   // the last fetch gave nothing
	asked   chan struct{} // a fetch is wanted before its time

	mu     sync.Mutex
	flight chan struct{} // closed when the fetch that is wanted or under way is done; nil: there is none
	began  time.Time     // when that was, or the last one
	closed bool

	// Of run alone, which fetches once at a time.
	failures       int
	next           time.Duration // from the end of the last fetch to the next
	sum            hash          // of the set that counts
	etag, modified string        // of the set that counts
}

// newRemote fetches the keys for the first time. Its URL was checked.
func newRemote(ctx context.Context, o Options, use func(*ring)) (*remote, error) {
	u, err := parseURL(o.JWKS)
	if err != nil {
		return nil, err
	}
	r := &remote{url: u, logger: o.Logger, use: use, timing: o.times(), asked: make(chan struct{}, 1)}
	r.client = client(o.HTTPClient, r.timing.fetch)
	r.began = r.timing.now()
	r.next = r.fetch(ctx)
	return r, nil
}

// client returns a client that follows few redirects, and none to where anybody could read along.
func client(given *http.Client, timeout time.Duration) *http.Client {
	c := new(http.Client)
	if given != nil {
		*c = *given
	} else if standard, ok := http.DefaultTransport.(*http.Transport); ok {
		transport := standard.Clone()
		transport.DisableKeepAlives = true // the next fetch is minutes away
		transport.MaxResponseHeaderBytes = 64 << 10
		c.Transport = transport
	}
	if c.Timeout == 0 {
		c.Timeout = timeout
	}
	c.Jar = nil
	c.CheckRedirect = func(to *http.Request, via []*http.Request) error {
		const most = 3
		if len(via) > most {
			return fmt.Errorf("more than %d redirects", most)
		}
		if _, err := parseURL(to.URL.String()); err != nil || to.URL.Scheme != "https" && via[0].URL.Scheme == "https" {
			return errors.New("a redirect to a place that is not encrypted is not followed")
		}
		return nil
	}
	return c
}

// run fetches the keys when it is time or when they are asked for, until ctx ends.
func (r *remote) run(ctx context.Context) {
	defer r.end()
	for {
		timer := time.NewTimer(r.next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			r.begin()
		case <-r.asked:
			timer.Stop()
		}
		r.next = r.fetch(ctx)
		r.land()
	}
}

func (r *remote) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flight == nil {
		r.flight, r.began = make(chan struct{}), r.timing.now()
	}
}

func (r *remote) land() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flight != nil {
		close(r.flight)
		r.flight = nil
	}
	select {
	case <-r.asked: // while another was under way
	default:
	}
}

func (r *remote) end() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.land()
}

// again has the keys fetched because of one that is not known, and waits for that until ctx ends.
// Whoever sends tokens by keys that he made up must not make the server send requests, so it happens
// seldom; a fetch that is under way serves all who wait.
func (r *remote) again(ctx context.Context) {
	flight := r.ask()
	if flight == nil {
		return
	}
	select {
	case <-flight:
	case <-ctx.Done():
	}
}

// ask returns what is closed when the keys have been fetched; nil if they are not, for now.
func (r *remote) ask() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flight == nil {
		now := r.timing.now()
		if r.closed || now.Sub(r.began) < r.timing.cooldown {
			return nil
		}
		r.flight, r.began = make(chan struct{}), now
		r.asked <- struct{}{} // has room: land took out what was in it
	}
	return r.flight
}

// fetch fetches the keys, and returns how long these are good. Where it fails, the former ones are.
func (r *remote) fetch(ctx context.Context) time.Duration {
	fresh, err := r.get(ctx)
	if err == nil {
		if r.failures > 0 {
			r.logger.Info().Str("url", shownURL(r.url)).Int("failures", r.failures).Msg("the keys of tokens can be fetched again")
		}
		r.failures = 0
		r.failing.Store(false)
		return fresh
	}
	r.failing.Store(true)
	next := r.timing.retryMost
	if r.failures < 16 {
		next = min(next, r.timing.retry<<r.failures)
	}
	r.failures++
	if ctx.Err() == nil {
		r.logger.Warn().Err(err).Str("url", shownURL(r.url)).Int("failures", r.failures).Dur("again_in", next).
			Msg("the keys of tokens cannot be fetched; those from before count")
	}
	return next
}

// get fetches the keys once, and returns how long they are good.
func (r *remote) get(ctx context.Context) (time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url.String(), http.NoBody)
	if err != nil {
		return 0, errors.New("the URL cannot be asked")
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	if r.etag != "" {
		request.Header.Set("If-None-Match", r.etag)
	}
	if r.modified != "" {
		request.Header.Set("If-Modified-Since", r.modified)
	}
	response, err := r.client.Do(request)
	if err != nil {
		var e *url.Error // which quotes the URL
		if errors.As(err, &e) {
			err = e.Err
		}
		return 0, err
	}
	defer func() { _ = response.Body.Close() }() // What counts was read by then.
	conditional := r.etag != "" || r.modified != ""
	switch {
	case response.StatusCode == http.StatusNotModified && conditional:
		return r.freshness(response.Header), nil
	case response.StatusCode != http.StatusOK:
		return 0, fmt.Errorf("the answer has the status %d, expected 200", response.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxSet+1))
	switch {
	case err != nil:
		return 0, fmt.Errorf("the answer broke off: %w", err)
	case len(data) > maxSet:
		return 0, fmt.Errorf("the answer has more than %d bytes", maxSet)
	}
	return r.freshness(response.Header), r.take(data, response.Header)
}

// take makes the keys of an answer those that count, if they are others than before.
func (r *remote) take(data []byte, header http.Header) error {
	keys, err := parseJWKS(data)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(data); sum != r.sum {
		r.sum = sum
		r.use(keys)
		keys.log(r.logger, shownURL(r.url))
	}
	r.etag, r.modified = header.Get("ETag"), header.Get("Last-Modified")
	return nil
}

// freshness returns how long the keys of an answer are good, as its Cache-Control says, within
// bounds.
func (r *remote) freshness(header http.Header) time.Duration {
	fresh := r.timing.refresh
	for directive := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store", "no-cache":
			return r.timing.refreshLeast
		case "max-age":
			if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				age, _ := strconv.ParseUint(header.Get("Age"), 10, 31) // without one, none
				fresh = (time.Duration(seconds) - time.Duration(age)) * time.Second
			}
		}
	}
	return min(max(fresh, r.timing.refreshLeast), r.timing.refreshLongest)
}
