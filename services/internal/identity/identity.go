// Package identity says who calls: by a bearer token, signed (JWT) or static, or by a client
// certificate. What a caller may do is told by its [Scopes]; each RPC states which one it needs.
//
// It checks credentials and makes none; package mint does. What a caller sent is never in an error,
// nor in a log.
package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Authenticator tells who calls. All methods may be called at once.
type Authenticator struct {
	principals *principalsFile  // nil: none
	strangers  certificateCache // where there is no principals file
	tokens     *verifier        // nil: no JWTs
	options    Options
	now        func() time.Time
	missing    string // what a caller without credentials reads
	digests    digester
	stop       context.CancelFunc
	running    sync.WaitGroup
}

// New reads the files that the options name, fetches the keys, and follows both until Close or the
// end of ctx. An error says which option is at fault. A URL that gives no keys is none: it is tried
// again and again, and until there are keys, JWTs are refused by a [Refused] that is Temporary.
func New(ctx context.Context, o Options) (*Authenticator, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if !o.Enabled() {
		return nil, errors.New("nobody could call: set --principals, --jwt-jwks, --jwt-public-key or --tls-client-scopes")
	}
	if o.CertificateScopes != 0 && !o.CertificatesTrusted {
		return nil, errors.New("--tls-client-scopes needs a CA of client certificates: set --tls-client-ca")
	}
	ctx, stop := context.WithCancel(ctx)
	a := &Authenticator{options: o, now: o.clock(), missing: missing(o), stop: stop}
	if err := a.open(ctx); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

func (a *Authenticator) open(ctx context.Context) error {
	t := a.options.times()
	if a.options.PrincipalsFile != "" {
		a.principals = newPrincipalsFile(a.options)
		if err := a.principals.file.start(); err != nil {
			return fmt.Errorf("--principals: %w", err)
		}
		a.running.Go(func() { a.principals.file.follow(ctx, t) })
	}
	switch {
	case isURL(a.options.JWKS):
		a.tokens = newVerifier(a.options)
		var err error
		if a.tokens.remote, err = newRemote(ctx, a.options, a.tokens.use); err != nil {
			return fmt.Errorf("--jwt-jwks: %w", err)
		}
		a.running.Go(func() { a.tokens.remote.run(ctx) })
	case a.options.JWKS != "":
		a.tokens = newVerifier(a.options)
		return a.followKeys(ctx, "--jwt-jwks", a.options.JWKS, parseJWKS)
	case a.options.PublicKeyFile != "":
		a.tokens = newVerifier(a.options)
		return a.followKeys(ctx, "--jwt-public-key", a.options.PublicKeyFile, parsePEM)
	}
	return nil
}

// followKeys reads the file of keys that an option names, and follows it.
func (a *Authenticator) followKeys(ctx context.Context, option, path string, parse func([]byte) (*ring, error)) error {
	file := &followedFile{path: path, logger: a.options.Logger, take: func(data []byte) error {
		keys, err := parse(data)
		if err != nil {
			return err
		}
		a.tokens.use(keys)
		keys.log(a.options.Logger, path)
		return nil
	}}
	if err := file.start(); err != nil {
		return fmt.Errorf("%s: %w", option, err)
	}
	a.running.Go(func() { file.follow(ctx, a.options.times()) })
	return nil
}

// Close ends what follows files and URLs. Credentials are checked after it as before.
func (a *Authenticator) Close() {
	a.stop()
	a.running.Wait()
}

// Authenticate tells who sent a request, or returns a [*Refused]. What the Authorization header says
// counts, be there a certificate or not; where there is no such header, a certificate does.
//
// It may wait for keys to be fetched, where a token is signed by one that is not known, until the
// context of the request ends.
func (a *Authenticator) Authenticate(r *http.Request) (*Principal, error) {
	headers := r.Header["Authorization"]
	if len(headers) == 0 {
		return a.certificate(r.TLS)
	}
	if len(headers) > 1 {
		return nil, refuse(ReasonMalformed, publicScheme, errTwoHeaders)
	}
	token, ok := bearer(headers[0])
	if !ok {
		return nil, refuse(ReasonMalformed, publicScheme, errScheme)
	}
	if len(token) > maxToken {
		return nil, refuse(ReasonMalformed, publicToken, errHuge)
	}
	if IsStatic(token) {
		return a.static(token)
	}
	if a.tokens == nil {
		return nil, refuse(ReasonNotAccepted, publicToken, errNoJWT)
	}
	return a.tokens.verify(r.Context(), token, a.digests.sum(token))
}

// static returns whose static token it is. The hash is looked up as any key of a map is: how long
// that takes may tell something of hashes, but nothing that helps to find 256 random bits.
func (a *Authenticator) static(token string) (*Principal, error) {
	if a.principals == nil {
		return nil, refuse(ReasonNotAccepted, publicToken, errNoPrincipals)
	}
	if len(token) != staticLength {
		return nil, refuse(ReasonMalformed, publicToken, errStatic)
	}
	if p := a.principals.current().tokens[a.digests.sum(token)]; p != nil {
		return p, nil
	}
	return nil, refuse(ReasonUnknownToken, publicToken, errUnknownToken)
}

var (
	errTwoHeaders   = errors.New("there are several Authorization headers")
	errScheme       = errors.New("the Authorization header is not a scheme Bearer and one token")
	errHuge         = fmt.Errorf("the token has more than %d bytes", maxToken)
	errNoJWT        = errors.New("a JWT was sent, and no keys are set (--jwt-jwks, --jwt-public-key)")
	errNoPrincipals = errors.New("a static token was sent, and no principals file is set (--principals)")
	errStatic       = fmt.Errorf("a static token has %d characters", staticLength)
	errUnknownToken = errors.New("no line of the principals file has the token")
	errMissing      = errors.New("there is neither an Authorization header nor a client certificate")
)

// bearer returns the token of an Authorization header.
func bearer(header string) (string, bool) {
	const scheme = "bearer "
	if len(header) <= len(scheme) || !strings.EqualFold(header[:len(scheme)], scheme) {
		return "", false
	}
	// What else cannot be in a token is seen when it is read, or hashed.
	token := strings.TrimLeft(header[len(scheme):], " ")
	return token, token != "" && strings.IndexByte(token, ' ') < 0
}

// missing returns what a caller without credentials reads.
func missing(o Options) string {
	token := o.PrincipalsFile != "" || o.acceptsJWT()
	switch {
	case token && o.CertificatesTrusted:
		return "say who you are: send a token, as `Authorization: Bearer TOKEN`, or connect with a client certificate"
	case token:
		return "say who you are: send a token, as `Authorization: Bearer TOKEN`"
	default:
		return "say who you are: connect with a client certificate"
	}
}
