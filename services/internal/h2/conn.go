package h2

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"

	"github.com/sepal-ml/sepal/services/internal/wire"
)

const (
	// maxFrame is the size of the largest frame that is read (RFC 9113 section 4.2: the least that
	// a server must take), and of the largest that is written.
	maxFrame = 16 << 10
	// streamWindow and connWindow are how much of the bodies of one request, and of all of a
	// connection, the client may send ahead of what was read of them.
	streamWindow = 1 << 20
	connWindow   = 1 << 20
	// firstWindow is what both windows are until somebody says otherwise.
	firstWindow = 65535
)

// conn is a connection. What is not guarded by mu belongs to the goroutine that serves it.
type conn struct {
	server  *Server
	net     net.Conn
	handler http.Handler
	ctx     context.Context //nolint:containedctx // that of all requests of the connection
	cancel  context.CancelFunc
	tls     *tls.ConnectionState
	remote  string

	prefaced bool
	in       reader
	framer   *http2.Framer
	headers  headerReader
	starting []*stream // those whose handlers do not run yet: more of them may be about to arrive
	shortcut shortcut
	ledger   ledger
	now      int64  // when something was read last, by clock
	date     string // that moment as a header has it
	settled  bool   // the client has sent its settings

	frames   atomic.Uint64 // read until now
	wholes   uint64        // frames that no more of a header block is to follow
	lastRead atomic.Int64  // when something was read, in nanoseconds of the server's clock
	partial  atomic.Int64  // when the frame or header block began whose rest is waited for; 0: there is none
	partOf   uint64        // what wholes was then
	watch    watch

	mu       sync.Mutex
	streams  map[uint32]*stream // those that are not closed in both directions
	lastID   uint32             // of the last stream that the client has opened
	recent   recently
	running  int // handlers
	sending  int // streams whose clients are not done
	out      output
	replies  headerWriter
	sendable int64 // the window for all that is sent

	peerWindow int64 // the window that its streams begin with

	owed       int64 // bytes of bodies that were read, and not given back to the client yet
	receivable int64 // what the client may still send

	early   early
	going   goingAway
	failure error // why no more can be sent; set once
}

// errGone is why requests fail whose connection has ended.
var errGone = errors.New("client disconnected")

func newConn(ctx context.Context, s *Server, inner net.Conn, known Connection) *conn {
	c := &conn{
		server:     s,
		net:        inner,
		handler:    known.Handler,
		tls:        known.TLS,
		remote:     remoteAddr(inner),
		prefaced:   known.Prefaced,
		streams:    make(map[uint32]*stream),
		sendable:   firstWindow,
		peerWindow: firstWindow,
		receivable: connWindow,
	}
	if known.TLS == nil { // the records of TLS are joined below
		wire.WriteThrough(inner)
	}
	c.ctx, c.cancel = context.WithCancel(ctx)
	c.in = reader{conn: inner, before: c.beforeRead, after: c.afterRead}
	c.framer = http2.NewFramer(nil, &c.in)
	c.framer.SetMaxReadFrameSize(maxFrame)
	c.framer.SetReuseFrames()
	c.headers.init(s.config.MaxHeaderBytes)
	c.replies.init()
	c.ledger.init(time.Now())
	c.out.init(c)
	return c
}

func remoteAddr(c net.Conn) string {
	if a := c.RemoteAddr(); a != nil {
		return a.String()
	}
	return ""
}

// serve reads frames until the connection ends.
func (c *conn) serve() {
	defer c.end()
	c.watch.start(c)
	if !c.prefaced {
		if err := c.readPreface(); err != nil {
			c.fail(err)
			return
		}
	}
	for {
		frame, err := c.readFrame()
		if err == nil {
			c.frames.Add(1)
			err = c.take(frame)
		}
		if err != nil && !c.survives(err) {
			return
		}
	}
}

// readFrame reads the next frame. Where the frame of a header block is at fault, its connection is:
// the tables of both sides would not be the same any more.
func (c *conn) readFrame() (http2.Frame, error) {
	c.in.part = false
	h, err := c.framer.ReadFrameHeader()
	if err != nil {
		return nil, err
	}
	frame, err := c.framer.ReadFrameForHeader(h)
	var ofStream http2.StreamError
	if h.Type == http2.FrameHeaders && errors.As(err, &ofStream) {
		return nil, fault{ofStream.Code, "the frame of a header block is not as it should be"}
	}
	return frame, err
}

// greet sends the server's settings.
func (c *conn) greet() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.settings(
		http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: uint32(c.server.config.MaxStreams)},
		http2.Setting{ID: http2.SettingInitialWindowSize, Val: streamWindow},
		http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: uint32(c.server.config.MaxHeaderBytes)},
	)
	c.out.windowUpdate(0, connWindow-firstWindow)
	c.out.flushSoon()
}

func (c *conn) readPreface() error {
	var got [len(http2.ClientPreface)]byte
	for n := 0; n < len(got); {
		m, err := c.in.Read(got[n:])
		if err != nil {
			return err
		}
		if n += m; string(got[:n]) != http2.ClientPreface[:n] {
			return fault{http2.ErrCodeProtocol, "the client's preface is not that of HTTP/2"}
		}
	}
	return nil
}

// beforeRead is due before a read that may block: what has arrived is all there is for now, so that
// handlers begin and what was gathered is sent.
func (c *conn) beforeRead() (busy bool) {
	c.startAll()
	within := c.in.part || c.headers.open
	busy = c.out.settle()
	switch {
	case !within:
		c.partial.Store(0)
	case c.partial.Load() == 0 || c.partOf != c.wholes:
		c.partOf = c.wholes
		c.partial.Store(clock())
	}
	return busy
}

func (c *conn) afterRead() {
	now := time.Now()
	c.now, c.date = int64(now.Sub(epoch)), c.server.dateNow(now)
	c.lastRead.Store(c.now)
}

// survives tells the client what an error of reading or taking a frame means, and reports whether
// the connection goes on.
func (c *conn) survives(err error) bool {
	var ofStream http2.StreamError
	if errors.As(err, &ofStream) {
		if err = c.charge(costReset); err == nil {
			err = c.resetStream(ofStream.StreamID, ofStream.Code)
		}
		if err == nil {
			return true
		}
	}
	c.fail(err)
	return false
}

// fail says goodbye with the code of an error of a connection. What cannot be read any more is not
// spoken to.
func (c *conn) fail(err error) {
	var ofConn http2.ConnectionError
	var ours fault
	switch {
	case errors.As(err, &ours):
	case errors.As(err, &ofConn):
		ours = fault{http2.ErrCode(ofConn), "the client sent a frame that is not as it should be"}
	case errors.Is(err, http2.ErrFrameTooLarge):
		ours = fault{http2.ErrCodeFrameSize, "the client sent a frame larger than it may"}
	default:
		return
	}
	c.server.config.ErrorLog.Printf("http2: server connection error from %v: %v", c.remote, ours)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.going.settle(c.lastID)
	c.out.goAway(c.going.last, ours.code, ours.text)
}

// fault is an error that ends a connection.
type fault struct {
	code http2.ErrCode
	text string
}

func (f fault) Error() string { return f.text + " (" + f.code.String() + ")" }

// calm is the fault of a client that asks for too much.
func calm(text string) fault { return fault{http2.ErrCodeEnhanceYourCalm, text} }

// end closes the connection: what was gathered is written out first, as far as the client takes it.
func (c *conn) end() {
	c.cancel()
	c.mu.Lock()
	c.abandon(errGone)
	if c.going.timer != nil {
		c.going.timer.Stop()
	}
	c.endEarly()
	told := c.out.finish()
	c.mu.Unlock()
	if told {
		c.linger()
	}
	_ = c.net.Close() // nothing is left that closing could lose
	c.watch.stop()
	c.in.release()
}

// abandon fails all streams. mu must be held.
func (c *conn) abandon(err error) {
	if c.failure == nil {
		c.failure = err
	}
	for _, st := range c.streams {
		st.close(err)
	}
}

// lingerTime is how long a client may take to see the last that it was sent, before the connection
// is closed with what it is still sending unread: that would take back what it has not read.
const lingerTime = 500 * time.Millisecond

// linger lets a client that was told goodbye read that.
func (c *conn) linger() {
	half, ok := c.net.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || c.net.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	for left := connWindow; left > 0; {
		n, err := c.net.Read(c.in.small[:])
		if left -= n; err != nil {
			return
		}
	}
}

// clock returns the time that a server's connections go by.
func clock() int64 { return int64(time.Since(epoch)) }

// epoch lies before the times that tests pretend it is, so that the clock is never 0 or less.
//
//nolint:gochecknoglobals // a clock that does not jump has to begin somewhere
var epoch = time.Now().AddDate(-50, 0, 0)
