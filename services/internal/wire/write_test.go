package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sepal-ml/sepal/services/internal/wire"
)

// most is what one connection gathers before Write blocks: what is under way, and what is next.
const most = 2 * 72 << 10

// TestWritesAreJoined shows that what is written while a write is under way goes out in one.
func TestWritesAreJoined(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := &slowConn{sizes: make(chan int)}
		c := wire.NewConn(inner)
		write(t, c, []byte("0"))
		synctest.Wait() // until it is being written
		for range 1000 {
			write(t, c, []byte("0123456789"))
		}
		got := []int{<-inner.sizes, <-inner.sizes}
		if diff := cmp.Diff([]int{1, 10_000}, got); diff != "" {
			t.Errorf("sizes of the writes (-want +got):\n%s", diff)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

// slowConn writes nothing before somebody receives the size of the write.
type slowConn struct {
	net.Conn
	sizes chan int
}

func (c *slowConn) Write(p []byte) (int, error) {
	c.sizes <- len(p)
	return len(p), nil
}

func (*slowConn) Close() error { return nil }

// TestBackPressure fills a connection whose peer does not read, and then reads.
func TestBackPressure(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 1000, 16<<10 + 9, 72 << 10} {
		synctest.Test(t, func(t *testing.T) {
			inner, peer := net.Pipe()
			c := wire.NewConn(inner)
			want := pattern(3 * most)
			var accepted atomic.Int64
			var writer sync.WaitGroup
			writer.Go(func() {
				for rest := want; len(rest) > 0; {
					n, err := c.Write(rest[:min(size, len(rest))])
					if err != nil {
						t.Error(err)
						return
					}
					rest = rest[n:]
					accepted.Add(int64(n))
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
			if n := accepted.Load(); n > most || n < most/2 {
				t.Errorf("writes of %d: took %d bytes that nobody reads, expected %d to %d", size, n, most/2, most)
			}
			got, err := io.ReadAll(peer)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("writes of %d: read %d other bytes of %d: %v", size, len(got), len(want), err)
			}
			writer.Wait()
		})
	}
}

// TestWriteDeadline blocks a Write of each kind, on gathered bytes and to the peer itself.
func TestWriteDeadline(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		size int
		// end ends the Write that blocks, a second after it began.
		end func(net.Conn) error
	}{
		{"set before, gathered", 72 << 10, nil},
		{"set before, direct", 500 << 10, nil},
		{"set while it blocks, gathered", 72 << 10, func(c net.Conn) error { return c.SetWriteDeadline(time.Now()) }},
		{"set while it blocks, direct", 500 << 10, func(c net.Conn) error { return c.SetDeadline(past) }},
		{"brought forward", 72 << 10, func(c net.Conn) error { return c.SetWriteDeadline(time.Now().Add(-time.Hour)) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { writeDeadline(t, test.size, test.end) })
		})
	}
}

func writeDeadline(t *testing.T, size int, end func(net.Conn) error) {
	inner, peer := net.Pipe()
	c := wire.NewConn(inner)
	limit := time.Second
	if end != nil {
		limit = time.Hour
		time.AfterFunc(time.Second, func() {
			if err := end(c); err != nil {
				t.Error(err)
			}
		})
	}
	start := time.Now()
	if err := c.SetWriteDeadline(start.Add(limit)); err != nil {
		t.Fatal(err)
	}
	var want []byte
	var err error
	for err == nil {
		var n int
		p := pattern(size)
		n, err = c.Write(p)
		want = append(want, p[:n]...)
	}
	if !timedOut(err) {
		t.Fatalf("got %v, expected a timeout", err)
	}
	if took := time.Since(start); took != time.Second {
		t.Errorf("blocked for %v, expected 1s", took)
	}
	if n, err := c.Write([]byte{1}); n != 0 || !timedOut(err) {
		t.Errorf("with a deadline that is over: got %d, %v", n, err)
	}
	if err := c.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	// The connection goes on where it was: what was accepted arrives, and what follows.
	go func() {
		write(t, c, []byte("the rest"))
		write(t, c, pattern(size))
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	want = append(append(want, "the rest"...), pattern(size)...)
	if got, err := io.ReadAll(peer); err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d other bytes of %d: %v", len(got), len(want), err)
	}
}

// timedOut reports whether err is the one that net.Conn promises for a deadline.
func timedOut(err error) bool {
	failure, ok := err.(net.Error)
	return ok && failure.Timeout() && errors.Is(err, os.ErrDeadlineExceeded)
}

// TestDeadlineTakesNothingBack sets a deadline that is over behind a Write that was accepted.
func TestDeadlineTakesNothingBack(t *testing.T) {
	t.Parallel()
	inner, peer := net.Pipe()
	c := wire.NewConn(inner)
	write(t, c, []byte("accepted"))
	if err := c.SetDeadline(past); err != nil {
		t.Fatal(err)
	}
	go func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	if got, err := io.ReadAll(peer); string(got) != "accepted" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestWriteErrors shows that the error of a write arrives at the next Write, and at Close.
func TestWriteErrors(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 100 << 10} {
		synctest.Test(t, func(t *testing.T) {
			fault := errors.New("cable cut")
			inner := &faultyConn{fault: fault}
			c := wire.NewConn(inner)
			n, err := c.Write(make([]byte, size))
			if gathered := n == size && err == nil; !gathered && err != fault {
				t.Errorf("size %d: got %d, %v", size, n, err)
			}
			synctest.Wait()
			if n, err := c.Write([]byte{1}); n != 0 || err != fault {
				t.Errorf("size %d: the next Write got %d, %v", size, n, err)
			}
			if err := c.Close(); err != fault {
				t.Errorf("size %d: Close got %v", size, err)
			}
			if !inner.closed {
				t.Errorf("size %d: not closed", size)
			}
		})
	}
}

// faultyConn fails to write.
type faultyConn struct {
	net.Conn
	fault  error
	closed bool
}

func (c *faultyConn) Write([]byte) (int, error)        { return 0, c.fault }
func (c *faultyConn) SetWriteDeadline(time.Time) error { return nil }
func (c *faultyConn) SetReadDeadline(time.Time) error  { return nil }
func (c *faultyConn) Close() error                     { c.closed = true; return nil }

// TestPeerResets shows that a connection that the peer has reset fails both ways.
func TestPeerResets(t *testing.T) {
	t.Parallel()
	c, peer := connect(t, listen(t))
	if err := peer.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	peer.Close()
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Read got %d, %v", n, err)
	}
	var err error
	for err == nil {
		_, err = c.Write([]byte("anyone there?"))
	}
	if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Write got %v", err)
	}
	if closing := c.Close(); closing != err {
		t.Errorf("Close got %v, expected %v", closing, err)
	}
}

// TestEmptyWrites shows that a Write of nothing sends nothing, and tells what any other would.
func TestEmptyWrites(t *testing.T) {
	t.Parallel()
	c, _ := connect(t, listen(t))
	if n, err := c.Write(nil); n != 0 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	if err := c.SetWriteDeadline(past); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(nil); !timedOut(err) {
		t.Errorf("got %v, expected a timeout", err)
	}
	c.Close()
	if _, err := c.Write(nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, expected that it is closed", err)
	}
}

// TestWritesAreAtomic lets many goroutines write records of all sizes, which must arrive whole,
// and in the order of each goroutine.
func TestWritesAreAtomic(t *testing.T) {
	t.Parallel()
	const writers, records, head = 8, 100, 12
	c, peer := connect(t, listen(t))
	var all sync.WaitGroup
	for w := range writers {
		random := rand.New(rand.NewPCG(1, uint64(w)))
		all.Go(func() {
			for i := range records {
				size := random.IntN(2000)
				if random.IntN(10) == 0 {
					size = random.IntN(200 << 10)
				}
				record := bytes.Repeat([]byte{byte(w)}, head+size)
				binary.BigEndian.PutUint32(record, uint32(w))
				binary.BigEndian.PutUint32(record[4:], uint32(i))
				binary.BigEndian.PutUint32(record[8:], uint32(size))
				if n, err := c.Write(record); n != len(record) || err != nil {
					t.Errorf("wrote %d of %d bytes: %v", n, len(record), err)
				}
			}
		})
	}
	go func() {
		all.Wait()
		c.Close()
	}()
	var next [writers]uint32
	for range writers * records {
		var h [head]byte
		if _, err := io.ReadFull(peer, h[:]); err != nil {
			t.Fatal(err)
		}
		w := binary.BigEndian.Uint32(h[:])
		if w >= writers || binary.BigEndian.Uint32(h[4:]) != next[w] {
			t.Fatalf("got %x, expected the head of the next record", h)
		}
		next[w]++
		record := make([]byte, binary.BigEndian.Uint32(h[8:]))
		if _, err := io.ReadFull(peer, record); err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(record, []byte{byte(w)}); n != len(record) {
			t.Fatalf("a record of writer %d has %d bytes of others", w, len(record)-n)
		}
	}
	if n, err := peer.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("after the last record: got %d, %v", n, err)
	}
}
