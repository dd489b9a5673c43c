package server

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	connectcors "connectrpc.com/cors"
	"github.com/rs/cors"

	"github.com/sepal-ml/sepal/services/internal/rpc"
)

const preflightMaxAge = 2 * time.Hour

// crossOrigin lets pages of the allowed origins read answers; without any, those of this
// machine. Pages of the server itself need no leave. What it lets through may bring a token of its
// own; cookies and other credentials of the browser's it may not.
func crossOrigin(origins []string, next http.Handler) http.Handler {
	allowed := localOrigin
	if len(origins) > 0 {
		allowed = func(origin string) bool {
			return slices.ContainsFunc(origins, func(o string) bool { return o == "*" || strings.EqualFold(o, origin) })
		}
	}
	crossing := cors.New(cors.Options{
		AllowOriginFunc: allowed,
		AllowedMethods:  connectcors.AllowedMethods(),
		AllowedHeaders:  append(connectcors.AllowedHeaders(), "Authorization", rpc.RequestIDHeader),
		ExposedHeaders:  append(connectcors.ExposedHeaders(), rpc.RequestIDHeader, "Retry-After", "WWW-Authenticate"),
		MaxAge:          int(preflightMaxAge.Seconds()),
	}).Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// What no page sent, and no cache keeps, needs none of this.
		if r.Method == http.MethodPost && len(r.Header["Origin"]) == 0 {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		if r.Method == http.MethodGet {
			h.Set("Cache-Control", "no-store") // but for what says otherwise: the files of the page
		}
		crossing.ServeHTTP(w, r)
	})
}

// localOrigin reports whether the origin is a page of this machine, on whatever port.
func localOrigin(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || !strings.EqualFold(origin, u.Scheme+"://"+u.Host) {
		return false // what has more than a scheme and a host is no origin
	}
	host := strings.ToLower(u.Hostname())
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
