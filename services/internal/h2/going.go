package h2

import (
	"slices"
	"time"

	"golang.org/x/net/http2"
)

const (
	// goodbyeTime is how long a client that was told to go away may still open streams, if it does
	// not say earlier that it has heard.
	goodbyeTime = time.Second
	lastOfAll   = 1<<31 - 1
	// forgotten is how many streams are kept in mind that were ended here while the client was still
	// sending: what is on its way for them is no fault.
	forgotten = 256
)

//nolint:gochecknoglobals // it never changes
var (
	goodbye    = [8]byte{'g', 'o', 'o', 'd', 'b', 'y', 'e'}
	stillThere = [8]byte{'t', 'h', 'e', 'r', 'e', '?'}
)

// goingAway is how far a connection has come in ending. It is guarded by the connection's mutex.
type goingAway struct {
	begun bool // the client was told that it should go
	final bool // and which stream was the last
	last  uint32
	timer *time.Timer

	ended []uint32
	next  int
}

// settle fixes which stream is the last, if that is not settled yet.
func (g *goingAway) settle(last uint32) {
	if !g.final {
		g.final, g.last = true, last
	}
}

func (g *goingAway) forget(id uint32) {
	switch {
	case slices.Contains(g.ended, id):
	case len(g.ended) < forgotten:
		g.ended = append(g.ended, id)
	default:
		g.ended[g.next%forgotten] = id
		g.next++
	}
}

// forgot reports whether a stream is one that was ended while the client was still sending, or was
// never begun since the connection ends.
func (g *goingAway) forgot(id uint32) bool {
	return g.final && id > g.last || slices.Contains(g.ended, id)
}

// drain tells the client to go away, in two steps, so that what it has sent meanwhile is answered
// (RFC 9113 section 6.8).
func (c *conn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drainLocked()
}

func (c *conn) drainLocked() {
	if c.going.begun || c.failure != nil {
		return
	}
	c.going.begun = true
	c.out.goAway(lastOfAll, http2.ErrCodeNo, "")
	c.out.ping(0, goodbye)
	c.out.flushSoon()
	c.going.timer = time.AfterFunc(goodbyeTime, c.lastWord)
}

// lastWord is the second step.
func (c *conn) lastWord() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.going.final || c.failure != nil {
		return
	}
	c.going.settle(c.lastID)
	c.going.timer.Stop()
	c.out.goAway(c.going.last, http2.ErrCodeNo, "")
	c.out.flushSoon()
	c.quitIfDone()
}

// pinged takes the answer to a ping.
func (c *conn) pinged(data [8]byte) {
	c.mu.Lock()
	begun := c.going.begun
	c.mu.Unlock()
	if begun && data == goodbye {
		c.lastWord()
	}
}

// quitIfDone ends reading, and with it the connection, when no request is left. mu must be held.
func (c *conn) quitIfDone() {
	if len(c.streams) == 0 && c.failure == nil {
		_ = c.net.SetReadDeadline(time.Unix(0, 1)) // an error says that it is closed already
	}
}
