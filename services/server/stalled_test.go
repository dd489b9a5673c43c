package server_test

import (
	"context"
	"io"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/sepal-ml/sepal/services/internal/testenv"
	"github.com/sepal-ml/sepal/services/server"
)

// TestStopCutsOffStalledClients shows that clients that ask and then read nothing hold up a stop
// no longer than the stop timeout, however many they are.
func TestStopCutsOffStalledClients(t *testing.T) {
	t.Parallel()
	o := testenv.Options()
	o.StopTimeout = 50 * time.Millisecond
	o.Logger = zerolog.Nop()
	s, err := server.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	listener := pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	s.StartOn(listener)
	const body = `{"features":[5.1,3.5,1.4,0.2]}`
	for range 8 {
		conn, accepted := net.Pipe()
		defer conn.Close()
		listener.conns <- accepted
		if _, err := io.WriteString(conn, "POST "+predictPath+" HTTP/1.1\r\nHost: sepal\r\nContent-Type: application/json\r\nContent-Length: "+
			strconv.Itoa(len(body))+"\r\n\r\n"+body); err != nil {
			t.Fatal(err)
		}
		// The rest of the answer stays where it is: a pipe holds nothing.
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	err = s.Stop(context.Background())
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("stopping took %v: %v", took, err)
	}
}

// pipeListener accepts what is sent to it.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l pipeListener) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

func (l pipeListener) Addr() net.Addr { return &net.TCPAddr{} }
