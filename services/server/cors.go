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
// machine. Pages of the server itself need no leave.
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
		ExposedHeaders:  append(connectcors.ExposedHeaders(), rpc.RequestIDHeader),
		MaxAge:          int(preflightMaxAge.Seconds()),
	}).Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// What no page sent, and no cache keeps, needs none of this.
		if r.Method == http.MethodPost && len(r.Header["Origin"]) == 0 {
			next.ServeHTTP(w, r)
			return
		}
		crossing.ServeHTTP(w, r)
	})
}

// localOrigin reports whether the origin is a page of this machine, on whatever port.
func localOrigin(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") {
		return false
	}
	host := u.Hostname()
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
