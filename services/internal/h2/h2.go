// Package h2 serves HTTP/2 (RFC 9113) to handlers of net/http, for less than net/http's own server
// does.
//
// A connection has one goroutine, which reads: it decodes headers, fills the bodies of requests,
// and takes what the client says about windows and settings. Handlers run on goroutines that are
// kept, with the stacks that they have grown. What handlers and the reader have to say is gathered
// in one buffer of the connection and written out together; with one call in flight it leaves at
// once. A request whose body arrives with its headers reaches its handler whole, so that the handler
// never waits; and [Short] may answer such a one on the reader's goroutine.
//
// All state of a connection that goroutines share is guarded by one mutex, which is never held while
// something blocks.
//
// What a client can make the server hold is bounded: header blocks by [Config.MaxHeaderBytes],
// bodies by the window of the connection (1 MiB), answers by what is
// gathered, handlers that run by [Config.MaxStreams] for each connection, also where streams are
// reset as soon as they are opened. Frames that ask for work and carry nothing are counted against
// an allowance; see ledger. Clients that are silent, or do not take what they asked for, are cut
// off; see watch.
//
// Frames are read, and header blocks decoded and encoded, by golang.org/x/net/http2. HTTP/2 is
// spoken over TLS where ALPN says so and in clear text with prior knowledge; [Server.Attach] lets a
// server of net/http tell which connections those are, and serve the others. There is no server push
// and no heed to priorities, which RFC 9113 does away with.
package h2

import (
	"context"
	"crypto/tls"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sepal-ml/sepal/services/internal/stacks"
)

// Config says what a server allows. A time or number of 0 stands for the default.
type Config struct {
	// MaxStreams is how many requests of a connection may be in flight. 100 by default.
	MaxStreams int
	// MaxHeaderBytes is the size of the largest header list, counted as RFC 9113 section 6.5.2
	// does. 64 KiB by default.
	MaxHeaderBytes int
	// HeaderTimeout is how long the first settings of a client, a header block, or a single frame
	// may take. 10 s by default.
	HeaderTimeout time.Duration
	// IdleTimeout is how long a connection without requests is kept. 2 min by default.
	IdleTimeout time.Duration
	// PingAfter is how long a connection with requests in flight may be silent before it is asked
	// for a sign of life, and PingTimeout how long that may take. 1 min and 20 s by default.
	PingAfter, PingTimeout time.Duration
	// WriteTimeout is how long a client may take for the next 64 KiB of what it is sent. 30 s by
	// default.
	WriteTimeout time.Duration
	// Short answers requests on a short path, if it is not nil.
	Short Short
	// ErrorLog gets panics of handlers, and what ends connections. Nil: the standard logger.
	ErrorLog *log.Logger
}

func (c Config) withDefaults() Config {
	orDefault(&c.MaxStreams, 100)
	orDefault(&c.MaxHeaderBytes, 64<<10)
	orDefault(&c.HeaderTimeout, 10*time.Second)
	orDefault(&c.IdleTimeout, 2*time.Minute)
	orDefault(&c.PingAfter, time.Minute)
	orDefault(&c.PingTimeout, 20*time.Second)
	orDefault(&c.WriteTimeout, 30*time.Second)
	if c.ErrorLog == nil {
		c.ErrorLog = log.Default() //nolint:forbidigo // it is net/http's too
	}
	return c
}

func orDefault[T int | time.Duration](value *T, otherwise T) {
	if *value == 0 {
		*value = otherwise
	}
}

// Server serves connections. Make one with [New].
type Server struct {
	config Config
	stacks *stacks.Pool[*stream]
	date   atomic.Pointer[dateText]

	mu       sync.Mutex
	conns    map[*conn]struct{}
	draining bool
}

// New returns a server.
func New(config Config) *Server {
	return &Server{config: config.withDefaults(), stacks: stacks.New((*stream).run), conns: make(map[*conn]struct{})}
}

// Connection is what is known of a connection before it is served.
type Connection struct {
	// Handler answers the requests.
	Handler http.Handler
	// TLS is the state of the connection's TLS, nil for one in clear text.
	TLS *tls.ConnectionState
	// Prefaced says that the client's preface has been read (RFC 9113 section 3.4).
	Prefaced bool
}

// ServeConn serves one connection, and returns when it is closed. Contexts of requests are children
// of ctx; the end of ctx itself ends nothing.
func (s *Server) ServeConn(ctx context.Context, inner net.Conn, known Connection) {
	c := newConn(ctx, s, inner, known)
	c.greet()
	if !s.add(c) {
		c.drain()
	}
	defer s.remove(c)
	c.serve()
}

// add notes a connection and reports whether it is to stay.
func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = struct{}{}
	return !s.draining
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// Drain tells all clients to go away and lets the requests in flight end; their connections are
// closed then. It returns at once.
func (s *Server) Drain() {
	for _, c := range s.drained() {
		c.drain()
	}
}

func (s *Server) drained() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	all := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		all = append(all, c)
	}
	return all
}

// Close ends the goroutines that wait for requests. It is due when no connection is served any more.
func (s *Server) Close() { s.stacks.Close() }

// dateText is a second and how a header says it.
type dateText struct {
	second int64
	text   string
}

// dateNow returns the value of a Date header.
func (s *Server) dateNow(now time.Time) string {
	second := now.Unix()
	if d := s.date.Load(); d != nil && d.second == second {
		return d.text
	}
	d := &dateText{second: second, text: now.UTC().Format(http.TimeFormat)}
	s.date.Store(d)
	return d.text
}
