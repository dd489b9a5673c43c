package h2_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/sepal-ml/sepal/services/internal/h2"
)

// caller has one call in flight at a time, and allocates nothing for it.
type caller struct {
	conn   net.Conn
	id     uint32
	frames []byte
	buffer []byte
}

// startCaller serves a caller over loopback.
func startCaller(t testing.TB) *caller {
	var listening net.ListenConfig
	listener, err := listening.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := h2.New(h2.Config{})
	var serving sync.WaitGroup
	serving.Go(func() {
		conn, err := listener.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		server.ServeConn(context.WithoutCancel(t.Context()), conn, h2.Connection{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var body [16]byte
			n, err := io.ReadFull(r.Body, body[:])
			mustNot(!errors.Is(err, io.ErrUnexpectedEOF))
			w.Header()["Content-Type"] = []string{"application/proto"}
			_, _ = w.Write(body[:n])
		})})
	})
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		serving.Wait()
		server.Close()
		listener.Close()
	})
	c := &caller{conn: conn, id: 1, frames: []byte(http2.ClientPreface), buffer: make([]byte, 16<<10)}
	framer := http2.NewFramer(c, nil)
	if err := errors.Join(framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1}), framer.WriteWindowUpdate(0, 1<<30)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(c.frames); err != nil {
		t.Fatal(err)
	}
	c.prepare(t, framer)
	return c
}

// Write gathers what a Framer writes.
func (c *caller) Write(p []byte) (int, error) {
	c.frames = append(c.frames, p...)
	return len(p), nil
}

// prepare makes the frames of a call, of which only the stream is to change.
func (c *caller) prepare(t testing.TB, framer *http2.Framer) {
	c.frames = c.frames[:0]
	var block writer
	encoder := hpack.NewEncoder(&block)
	for _, f := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", "/a/b"}, {":authority", "a"}, {"content-type", "application/proto"}} {
		if err := encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1], Sensitive: true}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(
		framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block, EndHeaders: true}),
		framer.WriteData(1, true, []byte("hello")),
	); err != nil {
		t.Fatal(err)
	}
}

type writer []byte

func (w *writer) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}

// call sends one, and reads until its stream has ended.
func (c *caller) call(t testing.TB) {
	for at := 0; at < len(c.frames); {
		length := int(c.frames[at])<<16 | int(c.frames[at+1])<<8 | int(c.frames[at+2])
		c.frames[at+5], c.frames[at+6], c.frames[at+7], c.frames[at+8] = byte(c.id>>24), byte(c.id>>16), byte(c.id>>8), byte(c.id)
		at += 9 + length
	}
	c.id += 2
	if _, err := c.conn.Write(c.frames); err != nil {
		t.Fatal(err)
	}
	for ended := false; !ended; {
		header := c.buffer[:9]
		if _, err := io.ReadFull(c.conn, header); err != nil {
			t.Fatal(err)
		}
		length := int(header[0])<<16 | int(header[1])<<8 | int(header[2])
		ended = header[3] <= 1 && header[4]&1 != 0
		if _, err := io.ReadFull(c.conn, c.buffer[:length]); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAllocations bounds what a call through a handler allocates.
func TestAllocations(t *testing.T) {
	c := startCaller(t)
	for range 100 {
		c.call(t)
	}
	const most = 24
	if got := testing.AllocsPerRun(500, func() { c.call(t) }); got > most {
		t.Errorf("%v allocations for a call, expected %d at most", got, most)
	} else {
		t.Logf("%v allocations", got)
	}
}

// TestIdleConnections bounds what a connection holds that has done its work, large bodies too.
func TestIdleConnections(t *testing.T) {
	const connections = 100
	before := inUse()
	for range connections {
		c := startCaller(t)
		for range 20 {
			c.call(t)
		}
	}
	if got := (inUse() - before) / connections; got > 64<<10 { // some 16 KiB are the client's
		t.Errorf("%d bytes for a connection", got)
	} else {
		t.Logf("%d bytes", got)
	}
}

// inUse returns the bytes of memory that are in use, and of stacks.
func inUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // pools hold on to what they have for one
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// BenchmarkCall makes calls through a handler, one after another.
func BenchmarkCall(b *testing.B) {
	c := startCaller(b)
	b.ReportAllocs()
	for b.Loop() {
		c.call(b)
	}
}
