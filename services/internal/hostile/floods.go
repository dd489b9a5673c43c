package hostile

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

const (
	// calm is how a server tells a client that does too much of the same.
	calm = "goaway ENHANCE_YOUR_CALM"
	// outlived is that a connection did all of it and is still answered on.
	outlived = "outlived"
)

// manyStreams is how many streams one connection opens.
const manyStreams = 10_000

// floods are many things at once, each of which is little.
func floods() []Attack {
	body := slow("a body that comes a byte a second", post("Content-Length: 1000\r\n", ""), "504 deadline_exceeded, closed", tooLarge)
	body.Waits = true
	return []Attack{
		flood("10,000 streams that are opened and reset", func(p *peer) error {
			return each(manyStreams, func(id uint32) error {
				return errors.Join(p.open(id, call(predict, "te", "trailers"), false), p.framer.WriteRSTStream(id, http2.ErrCodeCancel))
			})
		}, calm, outlived),
		flood("10,000 requests that are reset", func(p *peer) error {
			return each(manyStreams, func(id uint32) error {
				return errors.Join(p.open(id, get(), true), p.framer.WriteRSTStream(id, http2.ErrCodeCancel))
			})
		}, calm, outlived),
		flood("10,000 streams that stay open", func(p *peer) error {
			return each(manyStreams, func(id uint32) error { return p.open(id, call(stream, "te", "trailers"), false) })
		}, calm, outlived),
		flood("10,000 streams that the server resets", func(p *peer) error {
			return each(manyStreams, func(id uint32) error { return p.open(id, get(":evil", "1"), true) })
		}, calm, outlived, "goaway PROTOCOL_ERROR"),
		flood("20,000 settings", func(p *peer) error {
			return each(2*manyStreams, func(uint32) error { return p.framer.WriteSettings() })
		}, calm, outlived, "closed"),
		flood("20,000 pings", func(p *peer) error {
			return each(2*manyStreams, func(uint32) error { return p.framer.WritePing(false, [8]byte{}) })
		}, calm, outlived, "closed"),
		framed("a header block without an end", 1, func(p *peer) error {
			if err := p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: p.encode(get())}); err != nil {
				return err
			}
			block := p.encode(fields{"x", strings.Repeat("~", 8<<10)})
			return each(1000, func(uint32) error { return p.framer.WriteContinuation(1, false, block) })
		}, "closed", goAway, "goaway COMPRESSION_ERROR", calm),
		slow("headers that come a byte a second", "GET /livez HTTP/1.1\r\nHost: sepal\r\n"+strings.Repeat("x: y\r\n", 100), "closed", badRequest),
		slow("a line that comes a byte a second", "", "closed", badRequest),
		body,
	}
}

// each calls f with the number of each of n streams.
func each(n int, f func(id uint32) error) error {
	for i := range n {
		if err := f(uint32(2*i + 1)); err != nil {
			return err
		}
	}
	return nil
}

// flood returns an attack that writes, and then asks for a sign of life.
func flood(name string, write func(*peer) error, want ...string) Attack {
	return Attack{Name: name, Want: want, HTTP2: true, run: func(ctx context.Context, t Target) (string, error) {
		p, err := t.connect(ctx)
		if err != nil {
			return "", err
		}
		defer p.conn.Close() //nolint:errcheck // what matters was read
		last := [8]byte{'l', 'a', 's', 't'}
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			_ = errors.Join(write(p), p.framer.WritePing(false, last)) // it may be cut off, which the answer tells
		}()
		answer, err := p.outcome(last)
		_ = p.conn.Close() // and so what is sent ends
		<-sent
		return answer, err
	}}
}

// outcome waits for the answer to a ping, or for the end of the connection.
func (p *peer) outcome(ping [8]byte) (string, error) {
	p.framer.ReadMetaHeaders = nil // the answers to requests are nobody's concern
	for {
		frame, err := p.framer.ReadFrame()
		if err != nil {
			list, err := ended(nil, err)
			if err != nil {
				return "", err
			}
			return list[0], nil
		}
		switch f := frame.(type) {
		case *http2.GoAwayFrame:
			if f.ErrCode != http2.ErrCodeNo {
				return "goaway " + f.ErrCode.String(), nil
			}
		case *http2.PingFrame:
			if f.IsAck() && f.Data == ping {
				return outlived, nil
			}
		}
	}
}

// slowConnections is how many connections are slow at the same time.
const slowConnections = 100

// slow returns an attack of many connections that send some bytes at once and then hardly any.
func slow(name, begin string, want ...string) Attack {
	return Attack{Name: name, Want: want, run: func(ctx context.Context, t Target) (string, error) {
		answers, failures := make([]string, slowConnections), make([]error, slowConnections)
		var all sync.WaitGroup
		for i := range slowConnections {
			all.Go(func() { answers[i], failures[i] = exchange(ctx, t, &drip{begin: strings.NewReader(begin), ctx: ctx}) })
		}
		all.Wait()
		for _, answer := range answers {
			if !slices.Contains(want, answer) {
				return answer, errors.Join(failures...)
			}
		}
		return answers[0], errors.Join(failures...)
	}}
}

// drip reads what there is at the beginning, and then a byte a second.
type drip struct {
	begin *strings.Reader
	ctx   context.Context //nolint:containedctx // Read has none
}

func (d *drip) Read(p []byte) (int, error) {
	if d.begin.Len() > 0 {
		return d.begin.Read(p)
	}
	select {
	case <-time.After(time.Second):
	case <-d.ctx.Done():
		return 0, io.EOF
	}
	return copy(p, "x"), nil
}
