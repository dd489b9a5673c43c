package wire_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/nettest"
	"google.golang.org/grpc/test/bufconn"

	"github.com/sepal-ml/sepal/services/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// past is a deadline that is over.
var past = time.Unix(1, 0)

// listen opens a port that is closed when the test ends.
func listen(t testing.TB) *wire.Listener {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { inner.Close() })
	return wire.NewListener(inner)
}

// connect returns the two ends of a connection to the listener: what it accepts, and its peer.
func connect(t testing.TB, listener net.Listener) (accepted net.Conn, peer *net.TCPConn) {
	t.Helper()
	dialled, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err = listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		dialled.Close() // first, so that accepted has nobody to wait for
		accepted.Close()
	})
	return accepted, dialled.(*net.TCPConn)
}

// write writes all of p, or ends the test.
func write(t testing.TB, c net.Conn, p []byte) {
	t.Helper()
	if n, err := c.Write(p); n != len(p) || err != nil {
		t.Fatalf("wrote %d of %d bytes: %v", n, len(p), err)
	}
}

// expect reads what must be want, or ends the test.
func expect(t testing.TB, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v, expected %q", got, err, want)
	}
}

// pattern is n bytes that tell where they belong.
func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return p
}

// TestConn holds connections of every kind against the tests of net.Conn.
func TestConn(t *testing.T) {
	t.Parallel()
	kinds := []struct {
		name string
		pipe nettest.MakePipe
	}{
		{"TCP", func() (net.Conn, net.Conn, func(), error) {
			return dialAndAccept(net.Listen("tcp", "127.0.0.1:0"))
		}},
		{"in memory", func() (net.Conn, net.Conn, func(), error) {
			a, b := net.Pipe()
			return impatient(a), impatient(b), func() { a.Close(); b.Close() }, nil
		}},
	}
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			nettest.TestConn(t, kind.pipe)
		})
	}
}

// impatient returns a connection that is closed without much delay also where two ends wait for
// each other.
func impatient(inner net.Conn) net.Conn { return wire.NewImpatientConn(inner, 20*time.Millisecond) }

// dialAndAccept connects to a listener and closes it.
func dialAndAccept(inner net.Listener, err error) (accepted, dialled net.Conn, stop func(), _ error) {
	if err != nil {
		return nil, nil, nil, err
	}
	defer inner.Close()
	peer, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		return nil, nil, nil, err
	}
	accepted, err = wire.NewListener(inner).Accept()
	return accepted, peer, func() { peer.Close(); accepted.Close() }, err
}

// tlsConfigs returns configurations that accept each other.
func tlsConfigs(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	return &tls.Config{Certificates: s.TLS.Certificates}, &tls.Config{InsecureSkipVerify: true}
}

// TestBufconn sends bytes both ways over a connection that holds little, and whose errors are
// not those of package net.
func TestBufconn(t *testing.T) {
	t.Parallel()
	inner := bufconn.Listen(100)
	defer inner.Close()
	dialled := make(chan net.Conn, 1)
	go func() {
		c, err := inner.Dial()
		if err != nil {
			t.Error(err)
		}
		dialled <- c
	}()
	c, err := wire.NewListener(inner).Accept()
	if err != nil {
		t.Fatal(err)
	}
	peer := <-dialled
	if err := c.SetReadDeadline(past); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || !timedOut(err) {
		t.Errorf("got %d, %v, expected a timeout", n, err)
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	want := pattern(200 << 10)
	go func() {
		write(t, c, want[:100<<10])
		write(t, c, want[100<<10:])
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	if got, err := io.ReadAll(peer); err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d other bytes of %d: %v", len(got), len(want), err)
	}
}

// TestTLS sends bytes both ways through TLS that was put above or below, and closes it.
func TestTLS(t *testing.T) {
	t.Parallel()
	serverConfig, clientConfig := tlsConfigs(t)
	stacks := map[string]func(*wire.Listener) net.Listener{
		"above": func(l *wire.Listener) net.Listener { return tls.NewListener(l, serverConfig) },
		"below": func(l *wire.Listener) net.Listener {
			return wire.NewListener(tls.NewListener(l.Listener, serverConfig))
		},
	}
	for name, stack := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, peer := connect(t, stack(listen(t)))
			client := tls.Client(peer, clientConfig)
			want := pattern(300 << 10)
			var ends sync.WaitGroup
			defer ends.Wait()
			ends.Go(func() {
				got := make([]byte, len(want))
				if _, err := io.ReadFull(server, got); err != nil || !bytes.Equal(got, want) {
					t.Errorf("the server read other bytes: %v", err)
				}
				for part := range slices.Chunk(got, 10_000) {
					if _, err := server.Write(part); err != nil {
						t.Error(err)
					}
				}
				if err := server.Close(); err != nil {
					t.Error(err)
				}
			})
			write(t, client, want)
			// Without TLS's own farewell, the end would be an unexpected one.
			if got, err := io.ReadAll(client); err != nil || !bytes.Equal(got, want) {
				t.Errorf("the client read %d bytes: %v", len(got), err)
			}
		})
	}
}

// TestAddresses shows that a connection has the addresses of the one below, and that its errors
// name them.
func TestAddresses(t *testing.T) {
	t.Parallel()
	accepted, peer := connect(t, listen(t))
	if got, want := accepted.LocalAddr().String(), peer.RemoteAddr().String(); got != want {
		t.Errorf("local address %s, expected %s", got, want)
	}
	if got, want := accepted.RemoteAddr().String(), peer.LocalAddr().String(); got != want {
		t.Errorf("remote address %s, expected %s", got, want)
	}
	accepted.Close()
	_, err := accepted.Write([]byte{1})
	var failure *net.OpError
	if !errors.As(err, &failure) || failure.Op != "write" || failure.Net != "tcp" || failure.Addr.String() != peer.LocalAddr().String() {
		t.Errorf("got %#v", err)
	}
}

// TestAcceptFails passes on the error of a closed listener.
func TestAcceptFails(t *testing.T) {
	t.Parallel()
	listener := listen(t)
	listener.Close()
	if c, err := listener.Accept(); c != nil || !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, %v", c, err)
	}
}

// TestIdleConnectionsHoldNoBuffers compares the heap before and after many Reads block.
func TestIdleConnectionsHoldNoBuffers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a blocked Read holds its buffer there")
	}
	const conns, tooMuch = 200, 8 << 10
	listener := listen(t)
	var accepted []net.Conn
	var peers []*net.TCPConn
	for range conns {
		a, p := connect(t, listener)
		accepted, peers = append(accepted, a), append(peers, p)
	}
	before := heap()
	var readers sync.WaitGroup
	for i := range conns {
		readers.Go(func() {
			for {
				if _, err := accepted[i].Read(make([]byte, 9)); err != nil {
					return
				}
				if _, err := accepted[i].Write([]byte("ok")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, p := range peers {
		write(t, p, []byte("123456789"))
		expect(t, p, "ok")
	}
	time.Sleep(10 * time.Millisecond) // until they read again
	if grown := heap() - before; grown > conns*tooMuch {
		t.Errorf("the heap has grown by %d bytes for each idle connection", grown/conns)
	}
	for _, p := range peers {
		p.Close()
	}
	readers.Wait()
}

// heap returns the bytes in use.
func heap() int64 {
	runtime.GC() // twice, to empty the pools
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
