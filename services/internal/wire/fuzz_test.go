package wire_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/wire"
)

// FuzzStream sends one way through two connections of the package what the script says, and
// expects the bytes of all Writes, whole and in order, and then the end. Each two bytes of the
// script are a step and a size.
func FuzzStream(f *testing.F) {
	f.Add([]byte{}, false)
	f.Add([]byte{0, 1, 0, 255, 1, 16, 1, 255, 2, 3}, true)
	f.Add([]byte{2, 71, 2, 72, 2, 73, 0, 1, 2, 255, 0, 1}, false)
	f.Add([]byte{3, 0, 0, 9, 3, 1, 2, 200, 4, 9, 5, 200, 1, 64, 6, 0, 2, 9}, true)
	f.Add([]byte{4, 1, 1, 255, 2, 80, 5, 255, 2, 255, 0, 0, 6, 0}, false)
	f.Fuzz(func(t *testing.T, script []byte, overTCP bool) {
		script = script[:min(len(script), 64)] // at most 8 MiB
		var from, to net.Conn
		if overTCP {
			listener := listen(t)
			accepted, peer := connect(t, listener)
			from, to = accepted, wire.NewConn(peer)
		} else {
			a, b := net.Pipe()
			from, to = wire.NewConn(a), wire.NewConn(b)
		}
		var want []byte
		var writer sync.WaitGroup
		writer.Go(func() { want = play(t, from, script) })
		got := drain(t, to, script)
		writer.Wait()
		if !bytes.Equal(got, want) {
			t.Errorf("read %d other bytes of %d", len(got), len(want))
		}
		to.Close()
		from.Close()
	})
}

// play does the steps and closes; it returns what was accepted.
func play(t *testing.T, c net.Conn, script []byte) (accepted []byte) {
	for ; len(script) > 1; script = script[2:] {
		size := int(script[1])
		switch script[0] % 7 {
		case 1:
			size *= 64
		case 2:
			size <<= 10
		case 3: // a deadline that is over before the Write
			if err := c.SetWriteDeadline(past); err != nil {
				t.Error(err)
			}
		case 4: // a deadline that may or may not end the Write
			size <<= 10
			if err := c.SetDeadline(time.Now().Add(50 * time.Microsecond)); err != nil {
				t.Error(err)
			}
		case 6:
			if half, ok := c.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
				return accepted
			}
		}
		p := pattern(size)
		n, err := c.Write(p)
		accepted = append(accepted, p[:n]...)
		if (n < size || err != nil) && !timedOut(err) {
			t.Errorf("wrote %d of %d bytes: %v", n, size, err)
		}
		if err := c.SetDeadline(time.Time{}); err != nil {
			t.Error(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	return accepted
}

// drain reads to the end, in slices of the sizes of the script, with Reads that are cut short.
func drain(t *testing.T, c net.Conn, script []byte) (got []byte) {
	p := make([]byte, 100<<10)
	for i := 0; ; i++ {
		size := len(p)
		if len(script) > 0 {
			size = 1 + int(script[i%len(script)])*317
		}
		if i%5 == 4 { // net.Pipe sets no deadline when its other end is closed
			if err := c.SetReadDeadline(past); err != nil && err != io.ErrClosedPipe {
				t.Error(err)
			}
			if n, err := c.Read(p); n != 0 || !timedOut(err) {
				t.Errorf("got %d, %v, expected a timeout", n, err)
			}
			if err := c.SetReadDeadline(time.Time{}); err != nil && err != io.ErrClosedPipe {
				t.Error(err)
			}
		}
		n, err := c.Read(p[:size])
		got = append(got, p[:n]...)
		if err == io.EOF {
			return got
		}
		if err != nil {
			t.Error(err)
			return got
		}
	}
}
