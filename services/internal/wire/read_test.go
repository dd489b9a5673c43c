package wire_test

import (
	"bytes"
	"io"
	"net"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/sepal-ml/sepal/services/internal/wire"
)

// TestReadsAhead shows that many small Reads cost one read.
func TestReadsAhead(t *testing.T) {
	t.Parallel()
	inner := &stringConn{Reader: bytes.NewReader(pattern(20_000))}
	c := wire.NewConn(inner)
	got, err := io.ReadAll(iotest.OneByteReader(c))
	if err != nil || !bytes.Equal(got, pattern(20_000)) {
		t.Errorf("read %d other bytes: %v", len(got), err)
	}
	if inner.reads != 3 { // 16 KiB, the rest, and the end
		t.Errorf("%d reads, expected 3", inner.reads)
	}
}

// stringConn reads from a reader, and counts.
type stringConn struct {
	net.Conn
	io.Reader
	reads int
}

func (c *stringConn) Read(p []byte) (int, error) {
	c.reads++
	return c.Reader.Read(p)
}

func (*stringConn) LocalAddr() net.Addr  { return nil }
func (*stringConn) RemoteAddr() net.Addr { return nil }

// TestReadsSatisfyReader holds Read against the rules of io.Reader, with readers below that
// return less than asked, or their error together with the last bytes.
func TestReadsSatisfyReader(t *testing.T) {
	t.Parallel()
	for name, inner := range map[string]func(io.Reader) io.Reader{
		"whole": func(r io.Reader) io.Reader { return r }, "by bytes": iotest.OneByteReader,
		"by halves": iotest.HalfReader, "with the error": iotest.DataErrReader,
	} {
		want := pattern(50_000)
		c := wire.NewConn(&stringConn{Reader: inner(bytes.NewReader(want))})
		if err := iotest.TestReader(c, want); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReadKinds reads the same bytes over TCP in slices of many sizes.
func TestReadKinds(t *testing.T) {
	t.Parallel()
	listener := listen(t)
	want := pattern(500 << 10)
	for _, size := range []int{1000, 9, 4 << 10, 16<<10 - 1, 16 << 10, 100 << 10} {
		c, peer := connect(t, listener)
		go func() {
			write(t, peer, want)
			peer.Close()
		}()
		var got []byte
		p := make([]byte, size)
		for {
			n, err := c.Read(p)
			got = append(got, p[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got, want) {
			t.Errorf("in slices of %d: read %d other bytes of %d", size, len(got), len(want))
		}
	}
}

// TestAbortedRead ends a Read that blocks, as net/http does with its background read, and reads
// on: no byte is lost, and the deadline is not remembered.
func TestAbortedRead(t *testing.T) {
	t.Parallel()
	c, peer := connect(t, listen(t))
	for range 20 {
		aborted := make(chan error, 1)
		go func() {
			n, err := c.Read(make([]byte, 1))
			if n != 0 {
				t.Errorf("read %d bytes that nobody sent", n)
			}
			aborted <- err
		}()
		if err := c.SetReadDeadline(past); err != nil {
			t.Fatal(err)
		}
		if err := <-aborted; !timedOut(err) {
			t.Fatalf("got %v, expected a timeout", err)
		}
		if err := c.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		write(t, peer, []byte("next request"))
		expect(t, c, "next request")
	}
}

// TestReadDeadlineHidesWhatWasReadAhead shows that a deadline that is over holds for bytes at
// hand too, and that they are there when it is reset.
func TestReadDeadlineHidesWhatWasReadAhead(t *testing.T) {
	t.Parallel()
	c, peer := connect(t, listen(t))
	write(t, peer, []byte("read ahead"))
	expect(t, c, "read")
	for _, set := range []func(time.Time) error{c.SetReadDeadline, c.SetDeadline} {
		if err := set(past); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(make([]byte, 1)); n != 0 || !timedOut(err) {
			t.Errorf("got %d, %v, expected a timeout", n, err)
		}
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	expect(t, c, " ahead")
	if n, err := c.Read(nil); n != 0 || err != nil {
		t.Errorf("into nothing: got %d, %v", n, err)
	}
}

// TestReadDeadlineWhileItBlocks sets a deadline under a Read that blocks.
func TestReadDeadlineWhileItBlocks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner, peer := net.Pipe()
		c := wire.NewConn(inner)
		start := time.Now()
		time.AfterFunc(time.Second, func() {
			if err := c.SetReadDeadline(start.Add(3 * time.Second)); err != nil {
				t.Error(err)
			}
		})
		if n, err := c.Read(make([]byte, 9)); n != 0 || !timedOut(err) || time.Since(start) != 3*time.Second {
			t.Errorf("got %d, %v after %v, expected a timeout after 3s", n, err, time.Since(start))
		}
		peer.Close()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}
