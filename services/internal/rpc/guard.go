package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"

	"connectrpc.com/connect"
	"github.com/rs/zerolog"

	accessv1 "github.com/sepal-ml/sepal/gen/go/sepal/access/v1"
	"github.com/sepal-ml/sepal/services/internal/identity"
	"github.com/sepal-ml/sepal/services/internal/metrics"
	"github.com/sepal-ml/sepal/services/internal/ratelimit"
)

// Authenticator tells who sent a request, as [identity.Authenticator] does.
type Authenticator interface {
	// Authenticate returns who sent the request, or an [identity.Refused]. It reads no body.
	Authenticate(r *http.Request) (*identity.Principal, error)
}

// Access is what a path asks of its callers.
type Access struct {
	// Scope is what they must have been granted. With SCOPE_NONE anyone may call, as often as they
	// like; with SCOPE_UNSPECIFIED nobody may.
	Scope accessv1.Scope
	// Unlimited leaves them out of the limit on requests.
	Unlimited bool
	// Plain refuses them in plain text: no RPC is called.
	Plain bool
}

// GuardOptions say who may call what, and how often.
type GuardOptions struct {
	// Access is what the paths of URLs ask. A path that is not there may be called by anyone who is
	// known, whatever their scopes.
	Access map[string]Access
	// Authenticator tells who calls. Nil: all may call all.
	Authenticator Authenticator
	// Limiter says whether a caller has asked too often. Nil: none has.
	Limiter *ratelimit.Limiter
	// Proxies are those whose word counts for the address of a client that is not known by name.
	Proxies []netip.Prefix
	// Logger gets a line for each request that is refused; where that is for the limit, one a second
	// at level info, and each at level debug.
	Logger zerolog.Logger
}

// Guard lets a request pass whose caller may make it, before anything of its body is read. A stream
// is asked for once, when it begins; its messages and the rows of batches count against the
// limit on requests as they come, see [Allowance].
//
// A caller that is not known gets UNAUTHENTICATED, one that lacks the scope PERMISSION_DENIED, one
// that has asked too often RESOURCE_EXHAUSTED. Only what passes the rest counts against the limit.
// It must stand within [Unheard].
func Guard(o GuardOptions, next http.Handler) http.Handler {
	if o.Authenticator == nil && o.Limiter == nil {
		return next
	}
	return &guard{GuardOptions: o, next: next, writer: connect.NewErrorWriter()}
}

type guard struct {
	GuardOptions
	next   http.Handler
	writer *connect.ErrorWriter
	rates  spared
}

// refusal is why a request does not pass.
type refusal struct {
	err       *connect.Error
	reason    metrics.Reason
	challenge string // for WWW-Authenticate; empty: it is none of who asks
	cause     string // for the log
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	access, listed := g.Access[r.URL.Path]
	if access.Scope == accessv1.Scope_SCOPE_NONE {
		g.next.ServeHTTP(w, r)
		return
	}
	c, r := callOf(r)
	if g.Authenticator != nil {
		if refused := g.authenticate(c, r, access.Scope, listed); refused != nil {
			g.refuse(c, w, r, access, refused)
			return
		}
	}
	if g.Limiter != nil && !access.Unlimited {
		c.limiter, c.limited = g.Limiter, g.keyOf(c, r)
		if wait, ok := g.Limiter.Take(c.limited, 1, time.Now()); !ok {
			g.refuse(c, w, r, access, &refusal{err: tooMany(g.Limiter, wait), reason: metrics.ReasonRate, cause: "rate"})
			return
		}
	}
	g.next.ServeHTTP(w, r)
}

// authenticate notes who calls, and returns why they may not.
func (g *guard) authenticate(c *call, r *http.Request, need accessv1.Scope, listed bool) *refusal {
	principal, err := g.Authenticator.Authenticate(r)
	if err != nil {
		return stranger(err)
	}
	c.principal = principal
	if !listed || principal.Scopes.Allows(need) {
		return nil
	}
	scope := scopeName(need)
	return &refusal{
		err: connect.NewError(connect.CodePermissionDenied, fmt.Errorf(
			"the call needs the scope %q, which %q does not have; it has: %s", scope, principal.Name, principal.Scopes)),
		reason:    metrics.ReasonAuth,
		challenge: fmt.Sprintf("Bearer error=%q, scope=%q", "insufficient_scope", scope),
		cause:     "scope",
	}
}

// stranger returns why a caller that is not known may not call.
func stranger(err error) *refusal {
	var refused *identity.Refused
	switch {
	case !errors.As(err, &refused):
		return &refusal{
			err:    connect.NewError(connect.CodeUnavailable, errors.New("who calls cannot be told at the moment; try again in a few seconds")),
			reason: metrics.ReasonAuth,
			cause:  err.Error(),
		}
	case refused.Temporary():
		return &refusal{err: connect.NewError(connect.CodeUnavailable, errors.New(refused.Public)), reason: metrics.ReasonAuth, cause: refused.Error()}
	}
	challenge := "Bearer"
	if refused.Reason != identity.ReasonMissing {
		challenge = `Bearer error="invalid_token"`
	}
	return &refusal{
		err:       connect.NewError(connect.CodeUnauthenticated, errors.New(refused.Public)),
		reason:    metrics.ReasonAuth,
		challenge: challenge,
		cause:     refused.Error(),
	}
}

// keyOf returns against whom a request counts: who is known by name, or else the address.
func (g *guard) keyOf(c *call, r *http.Request) ratelimit.Key {
	if p := c.principal; p != nil {
		return g.Limiter.Name(string(p.Kind), p.Name)
	}
	return g.Limiter.Addr(ratelimit.Client(r.RemoteAddr, r.Header["X-Forwarded-For"], g.Proxies))
}

// refuse notes, logs and answers a request that does not pass.
func (g *guard) refuse(c *call, w http.ResponseWriter, r *http.Request, access Access, refused *refusal) {
	c.heard, c.code, c.reason = true, refused.err.Code(), refused.reason
	c.tellID(w.Header())
	if refused.challenge != "" && protocolOf(r.Header) == metrics.Connect { // gRPC has no such header
		w.Header().Set("WWW-Authenticate", refused.challenge)
	}
	g.log(c, r, refused)
	if !access.Plain {
		// A client that has gone away is all that can go wrong here.
		_ = g.writer.Write(w, r, refused.err)
		return
	}
	for key, values := range refused.err.Meta() {
		w.Header()[key] = values
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(plainStatus(refused.err.Code()))
	_, _ = io.WriteString(w, refused.err.Message()+"\n") //nolint:gosec // it is plain text, and says so
}

func (g *guard) log(c *call, r *http.Request, refused *refusal) {
	level, others := zerolog.InfoLevel, uint64(0)
	if refused.reason == metrics.ReasonRate {
		level, others = g.rates.level(c.start)
	}
	line := g.Logger.WithLevel(level).
		EmbedObject(about{c, r}).
		Str("code", refused.err.Code().String()).
		Str("reason", refused.cause)
	if others > 0 {
		line.Uint64("others", others)
	}
	line.Msg("request refused")
}

// plainStatus is the HTTP status of what a guard refuses with.
func plainStatus(code connect.Code) int {
	switch code {
	case connect.CodeUnauthenticated:
		return http.StatusUnauthorized
	case connect.CodePermissionDenied:
		return http.StatusForbidden
	case connect.CodeResourceExhausted:
		return http.StatusTooManyRequests
	default:
		return http.StatusServiceUnavailable
	}
}

// scopeName returns the name of a scope as tokens have it.
func scopeName(scope accessv1.Scope) string {
	switch scope {
	case accessv1.Scope_SCOPE_NONE:
		return "none"
	case accessv1.Scope_SCOPE_PREDICT:
		return "predict"
	case accessv1.Scope_SCOPE_READ:
		return "read"
	case accessv1.Scope_SCOPE_PUBLISH:
		return "publish"
	case accessv1.Scope_SCOPE_ADMIN:
		return "admin"
	case accessv1.Scope_SCOPE_UNSPECIFIED:
	}
	return "unspecified"
}

// PrincipalFrom returns who sent the request that ctx belongs to. It is nil where callers need not
// say who they are.
func PrincipalFrom(ctx context.Context) *identity.Principal {
	if c := callFrom(ctx); c != nil {
		return c.principal
	}
	return nil
}
