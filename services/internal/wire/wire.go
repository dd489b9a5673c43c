// Package wire spares a server system calls: it wraps a listener so that its connections read
// ahead and join their writes.
//
// The HTTP/2 server of net/http reads the header and the payload of every frame straight from
// the socket, and writes to it at every flush. A unary gRPC call costs it four read(2) and three
// write(2), nearly half of its processor time. Here a read takes up to 16 KiB, and what is written
// while an earlier write(2) is under way goes out together in the next. Nothing waits for a timer:
// the first Write starts a goroutine that writes out what it finds when its turn comes, and ends
// when there is no more. With one call in flight the answer leaves as soon as ever, in one
// write(2); with many, one system call serves several of them.
//
// A connection keeps the promises of [net.Conn]: each Write is atomic, deadlines may be set and
// reset at any time, also while a call blocks, and Close ends the calls that block. Three things
// differ:
//
//   - Write returns when its bytes are gathered, as with the kernel's buffer, only earlier. An
//     error of the write(2) is returned by the next Write, and by Close and CloseWrite. A write
//     deadline bounds how long Write waits for room, and never takes back what a Write accepted.
//   - Close and CloseWrite first write out what was gathered. They give up, and say so, five
//     seconds after the write(2) began that was under way when they were called: closing any
//     number of stalled connections, one after another, takes five seconds at most. After
//     [Listener.Cut] they give up at once.
//   - A connection is no [io.ReaderFrom] and no [syscall.Conn]: sendfile would overtake what is
//     gathered.
//
// An idle connection holds no buffer and no goroutine of this package. One with bytes on their
// way holds 16 KiB for those read and not yet asked for, and for those written 4 KiB, or up to
// 144 KiB when the peer is slow; then Write blocks. A Write of more than 72 KiB is not copied.
// A Read that blocks holds its 16 KiB only where it cannot wait without: over connections other
// than TCP, and where there is no Unix.
//
// TLS goes above, as in tls.NewListener(wire.NewListener(listener), config): net/http speaks
// HTTP/2 over TLS only on a [*crypto/tls.Conn], which joins its reads anyway, and whose records
// are then joined here.
package wire

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// Listener wraps what another listener accepts. Make one with [NewListener].
type Listener struct {
	net.Listener
	shared *shared
}

// shared is what the connections of one listener have in common.
type shared struct {
	patience           time.Duration
	read, small, large pool

	mu      sync.Mutex
	cut     bool               // Cut was called
	closing map[*conn]struct{} // those that wait for their peers
}

// NewListener returns a listener of the connections of inner, which it closes when it is closed.
func NewListener(inner net.Listener) *Listener {
	return &Listener{Listener: inner, shared: newShared()}
}

func newShared() *shared {
	return &shared{
		patience: patience,
		closing:  make(map[*conn]struct{}),
		read:     pool{size: readSize},
		small:    pool{size: smallSize},
		large:    pool{size: largeSize},
	}
}

// Accept waits for the next connection. It has a method CloseWrite, which fails with
// [errors.ErrUnsupported] if the connection below has none.
func (l *Listener) Accept() (net.Conn, error) {
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newConn(inner, l.shared), nil
}

// Cut gives up on slow peers: from now on, closing a connection of the listener drops what its
// peer has not taken yet, also where Close waits already. It closes nothing itself.
func (l *Listener) Cut() { l.shared.cutOff() }

// conn is a net.Conn above inner.
type conn struct {
	inner  net.Conn
	shared *shared

	// reading is held by the Read under way, which alone uses what follows it.
	reading sync.Mutex
	unread  *buffer // bytes that no Read has returned yet, or nil
	next    int     // index of the first of them
	broken  error   // what inner returned together with the bytes unread
	raw     syscall.RawConn
	try     func(fd uintptr) bool
	tried   error

	// writing is held by the Write under way, so that each is atomic.
	writing sync.Mutex
	flush   func()

	// mu guards what follows; it is never held while something blocks.
	mu            sync.Mutex
	changed       sync.Cond // on mu: something below has changed, or the write deadline is over
	readDeadline  time.Time
	writeDeadline time.Time
	gathered      *buffer   // what the flusher takes next, or nil
	flushing      bool      // there is a flusher
	direct        bool      // a Write writes to inner itself
	through       bool      // every Write does, see WriteThrough
	began         time.Time // when the flusher began its latest write, or was started
	failed        error     // why inner takes no more
	shut, closed  bool      // CloseWrite, Close was called
}

func newConn(inner net.Conn, s *shared) *conn {
	c := &conn{inner: inner, shared: s}
	c.changed.L = &c.mu
	c.flush = c.flushAll
	c.raw = rawConn(inner)
	c.try = c.tryRead
	return c
}

// LocalAddr returns the address at this end.
func (c *conn) LocalAddr() net.Addr { return c.inner.LocalAddr() }

// RemoteAddr returns the address at the other end.
func (c *conn) RemoteAddr() net.Addr { return c.inner.RemoteAddr() }

// fail returns err as package net would.
func (c *conn) fail(op string, err error) error {
	failure := &net.OpError{Op: op, Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
	if failure.Source != nil {
		failure.Net = failure.Source.Network()
	}
	return failure
}

// timeout reports whether err says that a deadline has passed.
func timeout(err error) bool {
	var failure net.Error
	return errors.As(err, &failure) && failure.Timeout()
}

// over reports whether a deadline has passed.
func over(deadline time.Time) bool {
	return !deadline.IsZero() && !time.Now().Before(deadline)
}
