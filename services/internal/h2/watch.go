package h2

import (
	"sync"
	"time"
)

const (
	mostOften  = 5 * time.Millisecond
	leastOften = 5 * time.Second
)

// watch looks at a connection every few seconds, and ends it when its client is silent, does not
// take what it is sent, or has not asked for anything in a long time. It costs nothing per request.
// Its fields are its timer's, and guarded by mu because one call may follow close behind another.
type watch struct {
	conn   *conn
	every  time.Duration
	timer  *time.Timer
	mu     sync.Mutex
	ended  bool
	begun  int64
	lastID uint32 // when it looked last
	idle   int64  // since when there are no requests; 0: there are
	asked  int64  // when a sign of life was asked for; 0: it was not
}

func (w *watch) start(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := &c.server.config
	least := min(o.HeaderTimeout, o.IdleTimeout, o.PingAfter, o.PingTimeout, o.WriteTimeout)
	w.conn, w.every = c, min(max(least/4, mostOften), leastOften)
	w.begun = clock()
	w.timer = time.AfterFunc(w.every, w.look)
}

func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.timer.Stop()
}

func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	now := clock()
	if reason := w.fault(now); reason != "" {
		w.conn.cut(reason)
		return
	}
	w.conn.startLate()
	w.sendIdleAway(now)
	w.timer.Reset(w.every)
}

// fault returns why the connection is to be cut, or "".
func (w *watch) fault(now int64) string {
	o, c := &w.conn.server.config, w.conn
	since := func(t int64) time.Duration { return time.Duration(now - t) }
	part := c.partial.Load()
	switch {
	case c.frames.Load() == 0 && since(w.begun) > o.HeaderTimeout:
		return "timeout waiting for SETTINGS frames"
	case part != 0 && since(part) > o.HeaderTimeout:
		return "a frame or header block takes too long to arrive"
	case c.out.stuck(time.Now()) > o.WriteTimeout:
		return "the client does not take what it is sent"
	}
	return w.silence(now, c.lastRead.Load())
}

// silence asks a client for a sign of life, and returns what it means that there was none. While
// something is written it would come behind that, and there is a limit for writing.
func (w *watch) silence(now, read int64) string {
	o, c := &w.conn.server.config, w.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case len(c.streams) == 0 || !c.out.began.IsZero() || read >= w.asked && now-read < int64(o.PingAfter):
		w.asked = 0
	case w.asked == 0 || read >= w.asked:
		w.asked = now
		c.out.ping(0, stillThere)
		c.out.flushSoon()
	case read < w.asked && now-w.asked > int64(o.PingTimeout):
		return "timeout waiting for PING response"
	}
	return ""
}

// sendIdleAway says goodbye to a client that has asked for nothing in a long time.
func (w *watch) sendIdleAway(now int64) {
	c := w.conn
	c.mu.Lock()
	busy := len(c.streams) > 0 || c.lastID != w.lastID
	w.lastID = c.lastID
	c.mu.Unlock()
	switch {
	case busy:
		w.idle = 0
	case w.idle == 0:
		w.idle = now
	case now-w.idle > int64(c.server.config.IdleTimeout):
		c.drain()
	}
}

// cut ends a connection without a word: there is nobody who listens.
func (c *conn) cut(reason string) {
	c.server.config.ErrorLog.Printf("http2: server connection error from %v: %s", c.remote, reason)
	_ = c.net.SetDeadline(time.Unix(0, 1)) // an error says that it is closed already
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abandon(errGone)
}
