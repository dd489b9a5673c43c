package wire_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sepal-ml/sepal/services/internal/wire"
)

// TestCloseFlushes closes right behind Writes of many sizes, by far too fast for the flusher.
func TestCloseFlushes(t *testing.T) {
	t.Parallel()
	listener := listen(t)
	for size := 1; size < 300<<10; size = 3*size + 1 {
		c, peer := connect(t, listener)
		want := pattern(size)
		go func() {
			if _, err := c.Write(want); err != nil {
				t.Error(err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}()
		if got, err := io.ReadAll(peer); err != nil || !bytes.Equal(got, want) {
			t.Errorf("read %d other bytes of %d: %v", len(got), size, err)
		}
	}
}

// TestCloseWaitsForASlowPeer reads what a closed connection has gathered, with a pause.
func TestCloseWaitsForASlowPeer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner, peer := net.Pipe()
		c := wire.NewConn(inner)
		want := pattern(72 << 10)
		write(t, c, want)
		var closing sync.WaitGroup
		closing.Go(func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(4 * time.Second)
		if got, err := io.ReadAll(peer); err != nil || !bytes.Equal(got, want) {
			t.Errorf("read %d other bytes of %d: %v", len(got), len(want), err)
		}
		closing.Wait()
	})
}

// TestCloseGivesUp closes connections whose peers read nothing, one after another.
func TestCloseGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var conns []net.Conn
		for range 10 {
			inner, _ := net.Pipe()
			c := wire.NewConn(inner)
			write(t, c, pattern(1000))
			conns = append(conns, c)
		}
		start := time.Now()
		time.Sleep(time.Second)
		for _, c := range conns {
			if err := c.Close(); !timedOut(err) {
				t.Errorf("got %v, expected that bytes were lost by a timeout", err)
			}
		}
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("all were closed %v after the writes, expected 5s", took)
		}
	})
}

// TestCut shows that after Cut nobody is waited for.
func TestCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner, peer := net.Pipe()
		listener := wire.NewListener(oneConn{inner})
		c, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		write(t, c, []byte("unread"))
		listener.Cut()
		start := time.Now()
		if err := c.Close(); !timedOut(err) || time.Since(start) != 0 {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
		if got, err := io.ReadAll(peer); len(got) != 0 || err != nil {
			t.Errorf("the peer reads %q, %v", got, err)
		}
	})
}

// TestCutWhileClosing shows that Cut ends a Close that waits.
func TestCutWhileClosing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner, _ := net.Pipe()
		listener := wire.NewListener(oneConn{inner})
		c, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		write(t, c, []byte("unread"))
		time.AfterFunc(time.Second, listener.Cut)
		start := time.Now()
		if err := c.Close(); !timedOut(err) || time.Since(start) != time.Second {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
	})
}

// oneConn accepts one connection, again and again.
type oneConn struct{ net.Conn }

func (l oneConn) Accept() (net.Conn, error) { return l.Conn, nil }
func (l oneConn) Addr() net.Addr            { return l.LocalAddr() }

// TestCloseEndsWhatBlocks closes a connection with a Read and a Write that block on a peer that
// does nothing: they end at once, whatever Close still waits for.
func TestCloseEndsWhatBlocks(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"gathered": 1000, "direct": 500 << 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				inner, _ := net.Pipe()
				c := wire.NewConn(inner)
				start := time.Now()
				ended := func(what string, err error) {
					if !closedError(err) || time.Since(start) != time.Second {
						t.Errorf("%s got %v after %v", what, err, time.Since(start))
					}
				}
				go func() {
					_, err := c.Read(make([]byte, 1))
					ended("Read", err)
				}()
				go func() {
					var err error
					for err == nil {
						_, err = c.Write(make([]byte, size))
					}
					ended("Write", err)
				}()
				time.Sleep(time.Second)
				c.Close()
				synctest.Wait()
			})
		})
	}
}

// closedError reports whether err says that this end is closed, as net.Conn or as net.Pipe does.
func closedError(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}

// TestClosed shows that everything fails on a closed connection, also where bytes were read ahead.
func TestClosed(t *testing.T) {
	t.Parallel()
	c, peer := connect(t, listen(t))
	write(t, peer, []byte("ab"))
	expect(t, c, "a")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	_, readErr := c.Read(make([]byte, 1))
	_, writeErr := c.Write([]byte{1})
	for what, err := range map[string]error{
		"Read": readErr, "Write": writeErr, "Close": c.Close(),
		"CloseWrite":       c.(interface{ CloseWrite() error }).CloseWrite(),
		"SetDeadline":      c.SetDeadline(past),
		"SetReadDeadline":  c.SetReadDeadline(past),
		"SetWriteDeadline": c.SetWriteDeadline(past),
	} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s got %v", what, err)
		}
	}
}

// TestCloseWrite ends one direction behind a Write, and goes on in the other.
func TestCloseWrite(t *testing.T) {
	t.Parallel()
	c, peer := connect(t, listen(t))
	write(t, c, []byte("last words"))
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(peer); string(got) != "last words" || err != nil {
		t.Errorf("the peer read %q, %v", got, err)
	}
	if n, err := c.Write([]byte("more")); n != 0 || !errors.Is(err, syscall.EPIPE) {
		t.Errorf("got %d, %v, expected a broken pipe", n, err)
	}
	write(t, peer, []byte("answer"))
	expect(t, c, "answer")
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// TestCloseWriteUnsupported shows what it is on a connection that closes only as a whole.
func TestCloseWriteUnsupported(t *testing.T) {
	t.Parallel()
	inner, peer := net.Pipe()
	c := wire.NewConn(inner)
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
	write(t, c, []byte("open"))
	expect(t, peer, "open")
	c.Close()
}
