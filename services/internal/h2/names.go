package h2

import (
	"net/http"
	"strings"
)

// names are those of fields, as HTTP/2 and as handlers write them.
type names struct{ canonical, lower map[string]string }

//nolint:gochecknoglobals // it never changes
var known = func() names {
	n := names{canonical: make(map[string]string), lower: make(map[string]string)}
	for _, lower := range []string{
		"accept", "accept-charset", "accept-encoding", "accept-language", "accept-post", "access-control-allow-credentials",
		"access-control-allow-headers", "access-control-allow-methods", "access-control-allow-origin",
		"access-control-expose-headers", "access-control-max-age", "access-control-request-headers",
		"access-control-request-method", "age", "allow", "authorization", "cache-control", "connect-accept-encoding",
		"connect-content-encoding", "connect-protocol-version", "connect-timeout-ms", "connection",
		"content-disposition", "content-encoding", "content-language", "content-length", "content-location",
		"content-range", "content-security-policy", "content-type", "cookie", "cross-origin-opener-policy",
		"cross-origin-resource-policy", "date", "etag", "expect", "expires", "forwarded", "from", "grpc-accept-encoding",
		"grpc-encoding", "grpc-message", "grpc-message-type", "grpc-previous-rpc-attempts", "grpc-status",
		"grpc-status-details-bin", "grpc-timeout", "host", "if-match", "if-modified-since", "if-none-match",
		"last-modified", "location", "origin", "permissions-policy", "pragma", "priority", "range", "referer",
		"referrer-policy", "retry-after", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "server", "set-cookie",
		"strict-transport-security", "te", "traceparent", "tracestate", "trailer", "user-agent", "vary", "via",
		"www-authenticate", "x-content-type-options", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
		"x-frame-options", "x-grpc-web", "x-request-id", "x-user-agent",
	} {
		canonical := http.CanonicalHeaderKey(lower)
		n.canonical[lower], n.lower[canonical] = canonical, lower
	}
	return n
}()

// canonicalKey returns the key that handlers find a field by.
func canonicalKey(lower string) string {
	if key, ok := known.canonical[lower]; ok {
		return key
	}
	return http.CanonicalHeaderKey(lower)
}

// lowerName returns the name of a field with a handler's key.
func lowerName(key string) string {
	if name, ok := known.lower[key]; ok {
		return name
	}
	return strings.ToLower(key)
}
