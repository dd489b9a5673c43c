package wire

import (
	"net"
	"os"
	"runtime"
	"syscall"
	"time"
)

// Write gathers p to be written out, and blocks while there is no room. It returns how much of p
// it took, which is all unless there is an error.
func (c *conn) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(p) > largeSize || c.through {
		return c.writeDirect(p)
	}
	done := 0
	for {
		if err := c.unwritable(); err != nil {
			return done, err
		}
		done += c.gather(p[done:])
		if done == len(p) {
			return done, nil
		}
		c.wait()
	}
}

// WriteThrough lets the Writes of a connection from a [Listener], or of one that wraps such and has a
// method NetConn that returns it, write at once from now on: for who joins writes already. It reports
// whether it is such a connection.
func WriteThrough(c net.Conn) bool {
	for {
		switch inner := c.(type) {
		case *conn:
			inner.mu.Lock()
			inner.through = true
			inner.mu.Unlock()
			return true
		case interface{ NetConn() net.Conn }:
			c = inner.NetConn()
		default:
			return false
		}
	}
}

// gather appends as much of p as there is room for, and sees that it is written out.
func (c *conn) gather(p []byte) int {
	if len(p) == 0 {
		return 0
	}
	switch b := c.gathered; {
	case b == nil && len(p) <= smallSize:
		c.gathered = c.shared.small.get()
	case b == nil:
		c.gathered = c.shared.large.get()
	case b.home == &c.shared.small && b.room() < len(p):
		c.gathered = c.shared.large.get()
		c.gathered.bytes = append(c.gathered.bytes, b.bytes...)
		b.release()
	}
	n := min(c.gathered.room(), len(p))
	c.gathered.bytes = append(c.gathered.bytes, p[:n]...)
	if !c.flushing {
		c.flushing, c.began = true, time.Now()
		go c.flush()
	}
	return n
}

// flushAll is the flusher: it writes out what is gathered until there is no more. It lets the
// goroutines that are ready go first, once: they are what an answer is still written by, and
// other answers. That halves the write(2) of a call, also of one alone.
func (c *conn) flushAll() {
	runtime.Gosched()
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.gathered != nil && c.failed == nil {
		b := c.gathered
		c.gathered = nil
		c.changed.Broadcast() // there is room again
		c.mu.Unlock()
		_, err := c.inner.Write(b.bytes)
		b.release()
		c.mu.Lock()
		c.failed, c.began = err, time.Now()
	}
	if c.gathered != nil {
		c.gathered.release()
		c.gathered = nil
	}
	c.flushing = false
	c.changed.Broadcast()
}

// writeDirect writes p without a copy, after what was gathered.
func (c *conn) writeDirect(p []byte) (int, error) {
	for {
		if err := c.unwritable(); err != nil {
			return 0, err
		}
		if !c.flushing {
			break
		}
		c.wait()
	}
	if err := c.inner.SetWriteDeadline(c.writeDeadline); err != nil {
		return 0, err
	}
	c.direct = true
	c.mu.Unlock()
	n, err := c.inner.Write(p)
	c.mu.Lock()
	c.direct = false
	// The flusher has no deadline, so that what was accepted arrives.
	if reset := c.inner.SetWriteDeadline(time.Time{}); reset != nil {
		c.failed = reset
	}
	if err != nil && !timeout(err) {
		c.failed = err
	}
	return n, err
}

// unwritable returns why a Write must not go on.
func (c *conn) unwritable() error {
	switch {
	case c.closed:
		return c.fail("write", net.ErrClosed)
	case c.failed != nil:
		return c.failed
	case c.shut:
		return c.fail("write", syscall.EPIPE)
	case over(c.writeDeadline):
		return c.fail("write", os.ErrDeadlineExceeded)
	}
	return nil
}

// wait lets mu go until something has changed or the write deadline is over.
func (c *conn) wait() {
	if !c.writeDeadline.IsZero() {
		timer := time.AfterFunc(time.Until(c.writeDeadline), func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.changed.Broadcast()
		})
		defer timer.Stop()
	}
	c.changed.Wait()
}

// SetWriteDeadline bounds Write, also one that blocks already; a zero t is no bound. What a Write
// has taken is written out whatever the deadline.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.fail("set", net.ErrClosed)
	}
	c.writeDeadline = t
	c.changed.Broadcast()
	if c.direct {
		return c.inner.SetWriteDeadline(t)
	}
	return nil
}

// SetDeadline is SetReadDeadline and SetWriteDeadline.
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}
