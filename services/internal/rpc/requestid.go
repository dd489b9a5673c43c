package rpc

import (
	"context"
	"math/rand/v2"
	"net/http"
)

// RequestIDHeader carries the id of a request, both ways.
const RequestIDHeader = "X-Request-Id"

// RequestID gives every request an id: the client's, where it sends a sensible one (1 to 64
// letters, digits, ".", "_" or "-"), or one that is made when somebody asks for it. The client's
// goes back with the answer, whatever that is; one that was made only with an error, since that is
// who needs it, and each header costs. It must be the outermost layer of this package.
func RequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, r := callOf(r)
		if id := r.Header.Get(RequestIDHeader); sensibleID(id) {
			c.id = id
			c.tellID(w.Header())
		}
		next.ServeHTTP(w, r)
	})
}

// RequestIDFrom returns the id of the request that ctx belongs to, or "".
func RequestIDFrom(ctx context.Context) string {
	if c := callFrom(ctx); c != nil {
		return c.requestID()
	}
	return ""
}

// requestID returns the id of the request.
func (c *call) requestID() string {
	if c.id == "" {
		c.id = newID()
	}
	return c.id
}

// tellID puts the id into the headers of the answer.
func (c *call) tellID(header http.Header) {
	c.ids[0] = c.requestID()
	header[RequestIDHeader] = c.ids[:] // as Set would, but for an allocation
}

// newID returns an id that no other request has: 128 random bits. Ids are names, not secrets.
func newID() string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	const perWord = 13 // digits of 5 bits each for 64
	var id [2 * perWord]byte
	high, low := rand.Uint64(), rand.Uint64()
	for i := range perWord {
		id[i], id[perWord+i] = digits[high%32], digits[low%32]
		high, low = high/32, low/32
	}
	return string(id[:])
}

func sensibleID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
