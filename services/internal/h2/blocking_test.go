package h2_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/sepal-ml/sepal/services/internal/h2"
)

// TestBlockingClient echoes a body to a client that reads nothing until it has sent all of it, over a
// connection that holds little: the windows have room for it, so that it must not come to a halt.
func TestBlockingClient(t *testing.T) {
	t.Parallel()
	const size, little = 900 << 10, 48 << 10
	var listening net.ListenConfig
	listener, err := listening.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	server := h2.New(h2.Config{WriteTimeout: time.Hour, PingAfter: time.Hour, HeaderTimeout: time.Hour})
	var serving sync.WaitGroup
	serving.Go(func() {
		conn, err := listener.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			err = errors.Join(tcp.SetWriteBuffer(little), tcp.SetReadBuffer(little))
		}
		if err != nil {
			t.Error(err)
		}
		server.ServeConn(context.WithoutCancel(t.Context()), conn, h2.Connection{Handler: http.HandlerFunc(mirror)})
	})
	defer func() {
		serving.Wait()
		server.Close()
	}()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = conn.SetDeadline(time.Now().Add(patience))
	if tcp, ok := conn.(*net.TCPConn); ok {
		err = errors.Join(err, tcp.SetWriteBuffer(little), tcp.SetReadBuffer(little))
	}
	if err != nil {
		t.Fatal(err)
	}
	p := newPeer(t, conn)
	framer := http2.NewFramer(conn, conn)
	_, err = conn.Write([]byte(http2.ClientPreface))
	if err := errors.Join(err,
		framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20}),
		framer.WriteWindowUpdate(0, 1<<20),
		framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: p.encode(request("POST", "/")...), EndHeaders: true}),
	); err != nil {
		t.Fatal(err)
	}
	for left := size; left > 0; left -= 1 << 10 {
		if err := framer.WriteData(1, left == 1<<10, make([]byte, 1<<10)); err != nil {
			t.Fatal(err)
		}
	}
	for got, ended := 0, false; !ended; {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatalf("after %d bytes: %v", got, err)
		}
		if f, ok := frame.(*http2.DataFrame); ok {
			got += len(f.Data())
		}
		ended = frame.Header().StreamID == 1 && frame.Header().Flags.Has(http2.FlagDataEndStream)
		if ended && got != size {
			t.Errorf("got %d bytes", got)
		}
	}
}

// TestReaderReads goes on reading a body of a client that takes no answer to its ping until it has sent
// all of that.
func TestReaderReads(t *testing.T) {
	bubble(t, h2.Config{}, func(_ http.ResponseWriter, r *http.Request) { drop(r) }, func(p *peer) {
		p.post(1, "/")
		p.do(p.conn.SetReadDeadline(time.Unix(0, 1))) // who reads ends
		p.do(p.conn.SetWriteDeadline(time.Now().Add(time.Second)))
		p.do(p.framer.WritePing(false, [8]byte{}))
		for range 100 {
			if err := p.framer.WriteData(1, false, make([]byte, 1000)); err != nil {
				t.Error(err)
				return
			}
		}
	})
}
