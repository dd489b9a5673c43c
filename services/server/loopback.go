package server

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/registry/v1/registryv1connect"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/rpc"
	"github.com/sepal-ml/sepal/services/modelfile"
	"github.com/sepal-ml/sepal/services/server/internal/registryapi"
)

// maxPublishBytes is the size of the largest change: a model file in JSON's base64.
const maxPublishBytes = modelfile.MaxBytes/3*4 + 64<<10

// handleRegistry routes RegistryService: where callers need not say who they are, what changes
// something is taken only from this machine.
func handleRegistry(mux *http.ServeMux, models *registry.Live, layers []connect.HandlerOption, a access) {
	service := registryapi.New(models)
	_, reads := registryv1connect.NewRegistryServiceHandler(service, layers...)
	_, writes := registryv1connect.NewRegistryServiceHandler(service, append(slices.Clone(layers), connect.WithReadMaxBytes(maxPublishBytes), rpc.Gzip(maxPublishBytes))...)
	if a.asks() {
		writes = ofOwnPage(writes, layers)
	} else {
		writes = onlyLocal(writes, layers)
	}
	eachMethod(registryv1.File_sepal_registry_v1_registry_service_proto, func(path string, method protoreflect.MethodDescriptor) {
		if changes(method) {
			mux.Handle(path, writes)
			return
		}
		mux.Handle(path, reads)
	})
}

// errNotLocal is what callers of changes get who are not on the server's machine.
var errNotLocal = errors.New("changes are taken only from the server's own machine, as localhost and without a proxy; " +
	"run `sepal models` there, or on the registry itself with --registry")

// errOtherOrigin is what pages get that the server did not serve.
var errOtherOrigin = errors.New("changes are taken only from the server's own page, not from those of other origins; " +
	"open the page at the address of the server, or run `sepal models`")

// onlyLocal refuses callers from elsewhere, before anything of the request's body is read. The
// name that they called the server by counts too: a page of any site may have its own name lead
// to this machine. So does the page that calls: a browser on this machine shows those of any site,
// which may read answers where the options say so, but change nothing.
func onlyLocal(next http.Handler, layers []connect.HandlerOption) http.Handler {
	writer := connect.NewErrorWriter(layers...)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refused := errNotLocal
		switch {
		case !isLocal(r):
		case !isOwnOrigin(r):
			refused = errOtherOrigin
		default:
			next.ServeHTTP(w, r)
			return
		}
		// A client that has gone away is all that can go wrong here.
		_ = writer.Write(w, r, connect.NewError(connect.CodePermissionDenied, refused))
	})
}

// isLocal reports whether a request comes from this machine, or from within the process.
func isLocal(r *http.Request) bool {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr == inProcess
	}
	if !remote.Addr().Unmap().IsLoopback() {
		return false
	}
	return !forwarded(r) && isLoopbackName(r.Host)
}

// forwarded reports whether a proxy says that it has passed the request on.
func forwarded(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return false
}

// isOwnOrigin reports whether no page calls, or one of the server's own.
func isOwnOrigin(r *http.Request) bool {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	for _, origin := range r.Header.Values("Origin") {
		if !strings.EqualFold(origin, scheme+r.Host) {
			return false
		}
	}
	return true
}

// inProcess is the address of a connection in memory.
const inProcess = "bufconn"

func isLoopbackName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// changes reports whether a method changes something, which the contract says of each.
func changes(method protoreflect.MethodDescriptor) bool {
	options, ok := method.Options().(*descriptorpb.MethodOptions)
	return !ok || options.GetIdempotencyLevel() != descriptorpb.MethodOptions_NO_SIDE_EFFECTS
}
