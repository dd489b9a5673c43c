package server

import (
	"context"
	"io/fs"
	"net"
	"net/http"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sepal-ml/sepal/clients/console"
	accessv1 "github.com/sepal-ml/sepal/gen/go/sepal/access/v1"
	"github.com/sepal-ml/sepal/services/internal/identity"
	"github.com/sepal-ml/sepal/services/internal/ratelimit"
	"github.com/sepal-ml/sepal/services/internal/rpc"
)

const metricsPath = "/metrics"

// access is who may call, and how often. Its zero value lets all call, as often as they like.
type access struct {
	authenticator *identity.Authenticator
	limiter       *ratelimit.Limiter
}

// newAccess opens what the options name.
func newAccess(ctx context.Context, o Options) (access, error) {
	var a access
	if err := o.RateLimit.Check(); err != nil {
		return access{}, err
	}
	if o.Identity.Enabled() {
		o.Identity.Logger = o.Logger
		o.Identity.CertificatesTrusted = o.TLSClientCA != ""
		// It is followed until the server stops, which is after ctx has ended.
		authenticator, err := identity.New(context.WithoutCancel(ctx), o.Identity)
		if err != nil {
			return access{}, err
		}
		a.authenticator = authenticator
	}
	if o.RateLimit.Set() {
		a.limiter = ratelimit.New(o.RateLimit, time.Now())
	}
	return a, nil
}

func (a access) close() {
	if a.authenticator != nil {
		a.authenticator.Close()
	}
}

// asks reports whether callers are to say who they are.
func (a access) asks() bool { return a.authenticator != nil }

// guarded puts the guard around a handler, where there is anything to guard.
func guarded(o Options, next http.Handler) http.Handler { return rpc.Guard(guardOptions(o), next) }

func guardOptions(o Options) rpc.GuardOptions {
	guard := rpc.GuardOptions{Limiter: o.access.limiter, Proxies: o.TrustedProxies, Logger: o.Logger}
	if o.access.asks() {
		guard.Authenticator = o.access.authenticator
	}
	if guard.Authenticator != nil || guard.Limiter != nil {
		guard.Access = paths()
	}
	return guard
}

// paths are what the guard knows of the port: what each path asks of its callers. All that is not
// here is closed to those who are not known.
//
// The files of the web page are open: they are the same for everyone and say nothing of models, and
// a browser has to show the page before anyone can give it a token. What the page asks for is not.
func paths() map[string]rpc.Access {
	open := rpc.Access{Scope: accessv1.Scope_SCOPE_NONE}
	read := rpc.Access{Scope: accessv1.Scope_SCOPE_READ}
	all := map[string]rpc.Access{
		"/livez":    open,
		"/readyz":   open,
		metricsPath: {Scope: accessv1.Scope_SCOPE_READ, Unlimited: true, Plain: true},
		"/" + grpchealth.HealthV1ServiceName + "/Check":                       open,
		"/" + grpchealth.HealthV1ServiceName + "/Watch":                       open,
		"/" + grpcreflect.ReflectV1ServiceName + "/ServerReflectionInfo":      read,
		"/" + grpcreflect.ReflectV1AlphaServiceName + "/ServerReflectionInfo": read,
		"/": open,
	}
	// The files are in the binary: nothing can go wrong in a walk over them.
	_ = fs.WalkDir(console.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			all["/"+name] = open
		}
		return nil
	})
	for _, file := range files() {
		eachMethod(file, func(path string, method protoreflect.MethodDescriptor) {
			all[path] = rpc.Access{Scope: scopeOf(method)}
		})
	}
	return all
}

// scopeOf returns the scope that the contract states for a method, or SCOPE_UNSPECIFIED.
func scopeOf(method protoreflect.MethodDescriptor) accessv1.Scope {
	scope, _ := proto.GetExtension(method.Options(), accessv1.E_Scope).(accessv1.Scope)
	return scope
}

// ofOwnPage refuses pages that others served where a browser adds who calls without being asked, as
// it does with client certificates. A token is added by the page itself, which so was given it: it
// counts wherever the page is from, as far as CORS lets it call.
func ofOwnPage(next http.Handler, layers []connect.HandlerOption) http.Handler {
	writer := connect.NewErrorWriter(layers...)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := rpc.PrincipalFrom(r.Context()); p != nil && p.Kind != identity.KindCertificate || isOwnOrigin(r) {
			next.ServeHTTP(w, r)
			return
		}
		// A client that has gone away is all that can go wrong here.
		_ = writer.Write(w, r, connect.NewError(connect.CodePermissionDenied, errOtherOrigin))
	})
}

// warnOfOpen says once that the server answers anyone, where others than this machine reach it, or
// somebody may think that client certificates keep them out.
func warnOfOpen(o *Options, address net.Addr) {
	if o.access.asks() {
		return
	}
	if o.TLSClientCA != "" {
		o.Logger.Warn().Msg("certificates of clients are checked, but nobody is asked for one: anyone may call; " +
			"say what they allow with --tls-client-scopes, or name who may with --principals")
	}
	tcp, ok := address.(*net.TCPAddr)
	if !ok || tcp.IP.IsLoopback() {
		return
	}
	o.Logger.Warn().Str("address", address.String()).Msg("anyone who reaches this address may ask for predictions and see the models; " +
		"name who may with --principals or --jwt-jwks, or set HOST=127.0.0.1 for this machine only")
}
