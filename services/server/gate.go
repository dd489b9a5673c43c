package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// gate lets the connections of a listener in. It turns away those that are more than may be open,
// and looks at how each begins: who speaks TLS where there is none, or no TLS where there is, is
// told so, or at least the log is.
type gate struct {
	logger zerolog.Logger
	secure bool  // TLS is spoken above
	most   int64 // connections that may be open; 0: any number

	open       atomic.Int64
	turnedAway atomic.Uint64
	told       time.Time // when the log last had that some were turned away; Accept's own
}

// tellEvery is how often the log has that connections are turned away.
const tellEvery = 10 * time.Second

// over returns the listener of the connections of another that are let in.
func (g *gate) over(inner net.Listener) net.Listener { return &gatedListener{inner, g} }

type gatedListener struct {
	net.Listener
	gate *gate
}

// Accept waits for the next connection that may be open.
func (l *gatedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		g := l.gate
		if n := g.open.Add(1); g.most == 0 || n <= g.most {
			return &gatedConn{Conn: c, gate: g}, nil
		}
		g.open.Add(-1)
		g.turnAway(c)
	}
}

func (g *gate) turnAway(c net.Conn) {
	_ = c.Close() // nothing was said on it that closing could lose
	g.turnedAway.Add(1)
	if now := time.Now(); now.Sub(g.told) >= tellEvery {
		g.told = now
		g.logger.Warn().Int64("max_connections", g.most).Uint64("turned_away", g.turnedAway.Load()).
			Msg("connections are turned away: as many are open as may be")
	}
}

// gatedConn is a connection that was let in. Its Reads follow one another.
type gatedConn struct {
	net.Conn
	gate   *gate
	begun  bool // something was read
	lines  bool // it speaks HTTP/1 in clear text
	sizes  headerScan
	known  int64 // requests until now that have a Content-Length; who serves them alone uses it
	closed atomic.Bool
}

// Read looks at what comes first.
func (c *gatedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.begun {
		c.begun = true
		if err := c.begin(p[:n]); err != nil {
			return 0, err
		}
	}
	if c.lines {
		c.sizes.read(p[:n])
	}
	return n, err
}

// Close makes room for another connection.
func (c *gatedConn) Close() error {
	if !c.closed.Swap(true) {
		c.gate.open.Add(-1)
	}
	return c.Conn.Close()
}

// NetConn returns the connection that was let in.
func (c *gatedConn) NetConn() net.Conn { return c.Conn }

// CloseWrite is for net/http, which lets a client read its answer before it closes.
func (c *gatedConn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

// tlsHandshake is the first byte of what a TLS client sends.
const tlsHandshake = 0x16

// errClearText is why a connection ends that should have begun with TLS.
var errClearText = errors.New("the client does not speak TLS, and this port speaks nothing else")

// begin looks at the first bytes of a connection. Clients of HTTP/2 in clear text are answered as
// those of HTTP/1 are: they take that for a failure to connect, and say what it looked like, where
// the end of a connection that HTTP/2 has would have them connect again and again.
func (c *gatedConn) begin(first []byte) error {
	switch {
	case c.gate.secure && first[0] >= 'A' && first[0] <= 'Z':
		_, _ = io.WriteString(c.Conn, badRequest()) // the client may have gone already
		return errClearText
	case c.gate.secure:
	case first[0] == tlsHandshake:
		c.gate.logger.Debug().Stringer("peer", c.RemoteAddr()).Msg("a client speaks TLS, and this port does not")
	default:
		c.lines = !bytes.HasPrefix(first, []byte("PRI"))
	}
	return nil
}

// badRequest is the answer to who speaks no TLS.
func badRequest() string {
	const text = "this port speaks TLS; ask with https:// in place of http://\n"
	return fmt.Sprintf("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(text), text)
}

// headerScan looks in what is read of HTTP/1 for lines that begin as a Content-Length does. net/http
// removes that header where there is a Transfer-Encoding, so that nobody can see there was one.
type headerScan struct {
	at   int // how much of sizeHeader, after a line break, has been seen; 0: no line break
	seen atomic.Int64
}

const sizeHeader = "\ncontent-length:"

func (s *headerScan) read(p []byte) {
	for len(p) > 0 {
		if s.at == 0 {
			next := bytes.IndexByte(p, '\n')
			if next < 0 {
				return
			}
			p = p[next:]
		}
		switch c := p[0]; {
		case c == '\n':
			s.at = 1
		case c|0x20 == sizeHeader[s.at]: // in lower case, as far as it has any
			s.at++
		default:
			s.at = 0
		}
		if s.at == len(sizeHeader) {
			s.seen.Add(1)
			s.at = 0
		}
		p = p[1:]
	}
}

type gatedKey struct{}

// connContext lets the requests of a connection in clear text look at it.
func connContext(ctx context.Context, c net.Conn) context.Context {
	if gated, ok := c.(*gatedConn); ok {
		return context.WithValue(ctx, gatedKey{}, gated)
	}
	return ctx
}

// sized is outermost: it sees to it that whoever answers a request of which it is not clear where it
// ends, and be it with a refusal of another kind, answers nothing else on its connection.
func sized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 {
			switch gated, clearText := r.Context().Value(gatedKey{}).(*gatedConn); {
			case clearText && len(r.Header["Content-Length"]) > 0:
				gated.known++
			case len(r.TransferEncoding) > 0 && (ambiguous(r) || !clearText && forwarded(r)):
				w.Header().Set("Connection", "close")
			}
		}
		next.ServeHTTP(w, r)
	})
}

// ambiguous reports whether a request in chunks may have said its length too. net/http goes by the
// chunks; a proxy that goes by the length takes the rest for the next request, of another client
// maybe. Over TLS it cannot be seen, so that there a request which a proxy has passed on in chunks
// is the last of its connection.
func ambiguous(r *http.Request) bool {
	gated, clearText := r.Context().Value(gatedKey{}).(*gatedConn)
	return clearText && gated.sizes.seen.Load() > gated.known
}

// connections returns how many may be open, 0 for any number.
func (o Options) connections() int64 {
	most, room := int64(max(o.MaxConnections, 0)), connectionRoom()
	if most == 0 || room > 0 && room < most {
		return room
	}
	return most
}
