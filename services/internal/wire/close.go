package wire

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// patience is how long after its beginning a write may end that Close waits for.
const patience = 5 * time.Second

// Close ends the calls that block, writes out what was gathered, and closes the connection. The
// error says what was lost. A second call closes nothing.
func (c *conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.fail("close", net.ErrClosed)
	}
	c.closed = true
	c.changed.Broadcast()
	lost := c.settle()
	c.mu.Unlock()
	err := c.inner.Close()
	c.mu.Lock()
	if lost != nil {
		return lost
	}
	return err
}

// CloseWrite writes out what was gathered and tells the peer that no more will come.
func (c *conn) CloseWrite() error {
	half, ok := c.inner.(interface{ CloseWrite() error })
	if !ok {
		return c.fail("close", fmt.Errorf("for writing only: %w", errors.ErrUnsupported))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.fail("close", net.ErrClosed)
	}
	c.shut = true
	c.changed.Broadcast()
	lost := c.settle()
	c.mu.Unlock()
	err := half.CloseWrite()
	c.mu.Lock()
	if lost != nil {
		return lost
	}
	return err
}

// settle waits until the flusher has ended, and returns why it could not write out everything.
// It lets mu go meanwhile. A Write under way that writes to inner itself is not waited for: its
// bytes were not accepted yet.
func (c *conn) settle() error {
	if !c.flushing {
		return c.failed
	}
	defer c.shared.leave(c)
	if c.shared.enter(c, c.began.Add(c.shared.patience)) != nil {
		// It is broken, and what cannot be bounded is not waited for.
		c.mu.Unlock()
		_ = c.inner.Close() // the flusher's error says more
		c.mu.Lock()
	}
	if c.closed {
		_ = c.inner.SetReadDeadline(time.Now()) // or Reads would end only when inner is closed
	}
	for c.flushing {
		c.changed.Wait()
	}
	return c.failed
}

// enter bounds what the flusher of c writes by limit, or by Cut if that comes first.
func (s *shared) enter(c *conn, limit time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut {
		limit = time.Now()
	}
	s.closing[c] = struct{}{}
	return c.inner.SetWriteDeadline(limit)
}

func (s *shared) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.closing, c)
}

func (s *shared) cutOff() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = true
	for c := range s.closing {
		_ = c.inner.SetWriteDeadline(time.Now()) // an error says that it is closed already
	}
}
