package sepal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
)

const authorization = "Authorization"

// ErrClearText is why [Dial] refuses credentials for a target that is in clear text and not on
// this machine: whoever is on the way could read them. [WithClearTextToken] lets them go.
var ErrClearText = errors.New("credentials would travel in clear text, for anyone on the way to read")

// A TokenSource returns the token of a request. It is called for every attempt, by any number of
// goroutines at once, with the context of the call, and should keep its token while that is good.
//
// Where it fails, the request is not sent and the call fails with [connect.CodeUnauthenticated],
// or with the code of a [*connect.Error] that it returns: with [connect.CodeUnavailable] it is
// asked again as the [RetryPolicy] has it.
type TokenSource func(ctx context.Context) (string, error)

// WithBearerToken sends a token with every request, as "Authorization: Bearer TOKEN". Default:
// none. [Dial] refuses an empty one, one with a space or another character that no token has, and
// for a target that is in clear text and not on this machine any ([ErrClearText]). No error, and
// no interceptor of [WithInterceptors], shows it.
func WithBearerToken(token string) Option {
	return func(s *settings) {
		s.token = func(context.Context) (string, error) { return token, nil }
		s.tokenErr = checkToken(token)
	}
}

// WithTokenSource sends the token that source has at the time of each request, as
// [WithBearerToken] does with one that stays the same. nil: none is sent.
func WithTokenSource(source TokenSource) Option {
	return func(s *settings) { s.token, s.tokenErr = source, nil }
}

// WithClearTextToken lets [WithBearerToken], [WithTokenSource] and an Authorization header of
// [WithHeader] send what they have in clear text to other machines: for a network that is
// encrypted beneath, such as a service mesh. Default: [Dial] refuses that.
func WithClearTextToken() Option {
	return func(s *settings) { s.clearText = true }
}

// tokenAge is for how long a token that was read from a file is good without another look.
const tokenAge = time.Second

// TokenFile returns a source of the token in a file, with or without a line break at its end. The
// file is read again where a second has passed, so that a token which is replaced there, as
// Kubernetes does, is taken up.
func TokenFile(path string) TokenSource {
	f := &tokenFile{path: path, now: time.Now}
	return f.token
}

// tokenFile keeps the token of a file.
type tokenFile struct {
	path string
	now  func() time.Time

	mu   sync.Mutex
	last string
	read time.Time
}

func (f *tokenFile) token(context.Context) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if f.last != "" && now.Sub(f.read) < tokenAge {
		return f.last, nil
	}
	data, err := os.ReadFile(f.path)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(data))
	if err := checkToken(token); err != nil {
		return "", fmt.Errorf("%s: %w", f.path, err)
	}
	f.last, f.read = token, now
	return token, nil
}

// checkToken returns why a text cannot be a token, without a part of it.
func checkToken(token string) error {
	if token == "" {
		return errors.New("the token is empty")
	}
	if at := strings.IndexFunc(token, notInBearer); at >= 0 {
		return fmt.Errorf("the token has a character at byte %d that no token has: expected letters, digits and -._~+/=", at)
	}
	return nil
}

func notInBearer(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune("-._~+/=", r)
}

// checkCredentials refuses credentials that make no sense, or that others could read.
func (s *settings) checkCredentials(address *url.URL) error {
	header := false
	for _, h := range s.headers {
		header = header || strings.EqualFold(h.name, authorization)
	}
	switch {
	case s.tokenErr != nil:
		return fmt.Errorf("sepal: WithBearerToken: %w", s.tokenErr)
	case header && s.token != nil:
		return errors.New("sepal: WithHeader(\"Authorization\") and a token: expected one of them")
	case (header || s.token != nil) && address.Scheme != "https" && !s.clearText && !onThisMachine(address.Hostname()):
		return fmt.Errorf("sepal: target %q: %w: expected one that begins with https://, or WithClearTextToken", address.Host, ErrClearText)
	}
	return nil
}

func onThisMachine(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// A tokenSender adds the token to each request when all else has seen it: interceptors, which may
// log headers, do not get to know it.
type tokenSender struct {
	connect.HTTPClient
	source TokenSource
}

func (s tokenSender) Do(r *http.Request) (*http.Response, error) {
	token, err := s.source(r.Context())
	if err == nil {
		err = checkToken(token)
	}
	if err != nil {
		return nil, noToken(r.Context(), err)
	}
	r = r.WithContext(r.Context()) // a copy
	r.Header = maps.Clone(r.Header)
	r.Header.Set(authorization, "Bearer "+token)
	return s.HTTPClient.Do(r)
}

func noToken(ctx context.Context, err error) error {
	var coded *connect.Error
	code := connect.CodeUnauthenticated
	switch {
	case errors.As(err, &coded):
		return err
	case contextCode(ctx) != 0:
		code = contextCode(ctx)
	}
	return connect.NewError(code, fmt.Errorf("there is no token to send: %w", err))
}
