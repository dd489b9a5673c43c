package h2

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
)

// The keys of http.Server.TLSNextProto for HTTP/2. The second is what net/http looks up for a
// connection in clear text that begins with the preface; golang.org/x/net/http2 goes in by the same
// door.
const (
	overTLS   = "h2"
	clearText = "unencrypted_http2"
)

// Attach lets hs hand its connections of HTTP/2 to s and serve all others itself. hs.Protocols
// still says which there are. When hs shuts down, s drains.
func (s *Server) Attach(hs *http.Server) {
	if hs.TLSNextProto == nil {
		hs.TLSNextProto = make(map[string]func(*http.Server, *tls.Conn, http.Handler))
	}
	hs.TLSNextProto[overTLS] = func(hs *http.Server, c *tls.Conn, h http.Handler) {
		state := c.ConnectionState()
		began(hs, c)
		s.ServeConn(baseContext(h), c, Connection{Handler: h, TLS: &state})
	}
	hs.TLSNextProto[clearText] = func(hs *http.Server, c *tls.Conn, h http.Handler) {
		// net/http wraps such a connection once more, so that nobody takes it for one with TLS.
		wrapped, ok := c.NetConn().(interface{ UnencryptedNetConn() net.Conn })
		if !ok {
			return
		}
		inner := wrapped.UnencryptedNetConn()
		began(hs, inner)
		s.ServeConn(baseContext(h), inner, Connection{Handler: h, Prefaced: true})
	}
	hs.RegisterOnShutdown(s.Drain)
}

// began tells hs's observer what net/http leaves to its servers of HTTP/2 to tell.
func began(hs *http.Server, c net.Conn) {
	if hs.ConnState != nil {
		hs.ConnState(c, http.StateActive)
	}
}

// baseContext returns the context of a connection, which net/http hands over by its handler.
func baseContext(h http.Handler) context.Context {
	if b, ok := h.(interface{ BaseContext() context.Context }); ok {
		return b.BaseContext()
	}
	return context.Background()
}
