package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// Read returns bytes that were read ahead, or waits for the next ones.
func (c *conn) Read(p []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	if err := c.unreadable(); err != nil {
		return 0, c.fail("read", err)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if c.unread == nil {
		if err := c.broken; err != nil {
			return 0, err
		}
		if len(p) >= readSize {
			n, err := c.inner.Read(p)
			return n, c.readError(err)
		}
		if err := c.fill(); err != nil {
			return 0, c.readError(err)
		}
	}
	n := copy(p, c.unread.bytes[c.next:])
	c.next += n
	if c.next == len(c.unread.bytes) {
		c.unread.release()
		c.unread, c.next = nil, 0
	}
	return n, nil
}

// fill waits for bytes and sets unread to them; it returns an error instead of none.
func (c *conn) fill() error {
	if c.raw != nil {
		return c.fillRaw()
	}
	b := c.shared.read.get()
	n, err := c.inner.Read(b.bytes[:readSize])
	if n == 0 {
		b.release()
		if err == nil {
			return io.ErrNoProgress
		}
		return err
	}
	b.bytes = b.bytes[:n]
	c.unread = b
	if err != nil && !timeout(err) {
		c.broken = err
	}
	return nil
}

// unreadable returns why nothing can be read now, whatever was read ahead.
func (c *conn) unreadable() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return net.ErrClosed
	case over(c.readDeadline):
		return os.ErrDeadlineExceeded
	}
	return nil
}

// readError is what Read returns for an error of inner: while Close writes out, it lets a Read
// run into a deadline.
func (c *conn) readError(err error) error {
	if timeout(err) && errors.Is(c.unreadable(), net.ErrClosed) {
		return c.fail("read", net.ErrClosed)
	}
	return err
}

// SetReadDeadline bounds Read, also one that blocks already; a zero t is no bound.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.fail("set", net.ErrClosed)
	}
	c.readDeadline = t
	return c.inner.SetReadDeadline(t)
}
