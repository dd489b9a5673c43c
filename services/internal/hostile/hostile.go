// Package hostile sends a server what no client with good intentions does: requests whose bounds are
// not clear, bodies without end, messages that unfold to a thousand times their size, streams that
// are opened only to be reset. Tests and benchmarks hold the server to how it has to answer each.
package hostile

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"time"
)

// Target is the server.
type Target struct {
	// Address is where it listens.
	Address string
	// TLS is how to speak TLS with it. Nil: it speaks none.
	TLS *tls.Config
}

// Attack is one hostile thing to do.
type Attack struct {
	// Name says what it is.
	Name string
	// Want are the answers that are right, as Run returns them.
	Want []string
	// ClearText says that it is hostile only where there is no TLS.
	ClearText bool
	// HTTP2 says that it is made over HTTP/2.
	HTTP2 bool
	// Waits says that it goes on until the time that the server gives a request is over.
	Waits bool

	run func(context.Context, Target) (string, error)
}

// limit is how long an attack may take. It is by far more than a server needs that defends itself.
const limit = 2 * time.Minute

// Run does it, and returns how the server answered: the status and, of an error, the code; "closed"
// for a connection that it has closed, or what else ended it.
func (a Attack) Run(ctx context.Context, t Target) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return a.run(ctx, t)
}

// Right reports whether an answer is one of those that are wanted.
func (a Attack) Right(answer string) bool { return slices.Contains(a.Want, answer) }

// Attacks are all that there are.
func Attacks() []Attack {
	// A kilobyte of it unfolds to a megabyte, again and again: to compress it in one piece takes a
	// second, and minutes on a machine that is busy.
	bomb := sync.OnceValue(func() []byte { return bytes.Repeat(zipped(1<<20), 256) })
	return slices.Concat(framing(), headers(), bodies(bomb), messages(), frames(bomb), floods())
}

// dial connects, for as long as ctx lasts.
func (t Target) dial(ctx context.Context, protocol string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", t.Address)
	if err != nil {
		return nil, err
	}
	if end, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(end); err != nil {
			return nil, err
		}
	}
	if t.TLS == nil {
		return conn, nil
	}
	config := t.TLS.Clone()
	config.NextProtos = []string{protocol}
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(t.Address)
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the handshake's error says more
		return nil, err
	}
	return secure, nil
}

const (
	predict = "/sepal.prediction.v1.PredictionService/Predict"
	stream  = "/sepal.prediction.v1.PredictionService/PredictStream"
	batch   = "/sepal.prediction.v1.PredictionService/BatchPredict"
)

// row is a request that is answered well.
const row = `{"features":[5.1,3.5,1.4,0.2]}`
