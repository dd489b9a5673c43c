package hostile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// peer is an end of a connection of HTTP/2 that may send what it likes.
type peer struct {
	conn   net.Conn
	framer *http2.Framer

	block   bytes.Buffer
	encoder *hpack.Encoder
}

// connect opens a connection of HTTP/2 and waits for the server's settings, which it takes note of.
func (t Target) connect(ctx context.Context) (*peer, error) {
	conn, err := t.dial(ctx, "h2")
	if err != nil {
		return nil, err
	}
	p := &peer{conn: conn, framer: http2.NewFramer(conn, conn)}
	p.encoder = hpack.NewEncoder(&p.block)
	p.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	p.framer.AllowIllegalWrites = true
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		return nil, err
	}
	if err := p.framer.WriteSettings(); err != nil {
		return nil, err
	}
	frame, err := p.framer.ReadFrame()
	if err != nil {
		return nil, err
	}
	if _, ok := frame.(*http2.SettingsFrame); !ok {
		return nil, fmt.Errorf("the first frame is %v, expected settings", frame)
	}
	return p, p.framer.WriteSettingsAck()
}

// fields is a list of names and values.
type fields []string

// call returns the fields of a request of gRPC, followed by others.
func call(path string, more ...string) fields {
	return append(fields{":method", "POST", ":scheme", "http", ":authority", "sepal", ":path", path, "content-type", "application/grpc+proto"}, more...)
}

// get returns the fields of a request that is answered well, followed by others.
func get(more ...string) fields {
	return append(fields{":method", "GET", ":scheme", "http", ":authority", "sepal", ":path", "/livez"}, more...)
}

// encode returns the fields as a header block.
func (p *peer) encode(f fields) []byte {
	p.block.Reset()
	for i := 0; i+1 < len(f); i += 2 {
		_ = p.encoder.WriteField(hpack.HeaderField{Name: f[i], Value: f[i+1]}) // a buffer takes everything
	}
	return bytes.Clone(p.block.Bytes())
}

// open begins a stream, whose header block may be of any size.
func (p *peer) open(id uint32, f fields, end bool) error {
	const most = 16 << 10
	block := p.encode(f)
	first := block[:min(len(block), most)]
	block = block[len(first):]
	if err := p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: first, EndHeaders: len(block) == 0, EndStream: end}); err != nil {
		return err
	}
	for len(block) > 0 {
		next := block[:min(len(block), most)]
		block = block[len(next):]
		if err := p.framer.WriteContinuation(id, len(block) == 0, next); err != nil {
			return err
		}
	}
	return nil
}

// ending waits for how a stream ends, or the connection with it. Pings and settings are passed over.
func (p *peer) ending(id uint32) (string, error) {
	status := ""
	for {
		frame, err := p.framer.ReadFrame()
		if err != nil {
			list, err := ended(nil, err)
			if err != nil {
				return "", err
			}
			return strings.TrimPrefix(status+", "+list[0], ", "), nil
		}
		switch f := frame.(type) {
		case *http2.GoAwayFrame:
			if f.ErrCode != http2.ErrCodeNo {
				return "goaway " + f.ErrCode.String(), nil
			}
		case *http2.RSTStreamFrame:
			if f.StreamID == id && status == "" {
				return "reset " + f.ErrCode.String(), nil
			}
		case *http2.MetaHeadersFrame:
			if f.StreamID != id {
				continue
			}
			for _, field := range f.Fields {
				if field.Name == ":status" && status == "" || field.Name == "grpc-status" {
					status = strings.TrimPrefix(status+" "+strings.TrimPrefix(field.Name, ":")+" "+field.Value, " ")
				}
			}
			if f.StreamEnded() || !strings.HasPrefix(status, "status 200") {
				return status, nil
			}
		case *http2.DataFrame:
			if f.StreamID == id && f.StreamEnded() {
				return status, nil
			}
		}
	}
}

// framed returns an attack of frames of HTTP/2, and waits for the end of the stream with that number.
func framed(name string, stream uint32, write func(*peer) error, want ...string) Attack {
	return Attack{Name: name, Want: want, HTTP2: true, run: func(ctx context.Context, t Target) (string, error) {
		p, err := t.connect(ctx)
		if err != nil {
			return "", err
		}
		defer p.conn.Close() //nolint:errcheck // what matters was read
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			_ = write(p) // it may be cut off, which the answer tells
		}()
		answer, err := p.ending(stream)
		_ = p.conn.Close() // and so what is sent ends
		<-sent
		return answer, err
	}}
}

// opened returns an attack of one stream with those fields.
func opened(name string, f fields, want ...string) Attack {
	return framed(name, 1, func(p *peer) error { return p.open(1, f, true) }, want...)
}

const (
	reset    = "reset PROTOCOL_ERROR"
	goAway   = "goaway PROTOCOL_ERROR"
	status   = "status 400"
	exceeded = "status 200 grpc-status 8"
)

// frames are streams of HTTP/2 that no client would open.
func frames(bomb func() []byte) []Attack {
	large := func(size uint32, declared ...string) func(*peer) error {
		return func(p *peer) error {
			if err := p.open(1, call(predict, append([]string{"te", "trailers"}, declared...)...), false); err != nil {
				return err
			}
			head := []byte{0, byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size)}
			return p.framer.WriteData(1, false, append(head, make([]byte, 1000)...))
		}
	}
	return []Attack{
		opened("no path", fields{":method", "GET", ":scheme", "http", ":authority", "sepal"}, reset),
		opened("an empty path", fields{":method", "GET", ":scheme", "http", ":authority", "sepal", ":path", ""}, reset),
		opened("two paths", get(":path", "/"), reset),
		opened("two methods", get(":method", "POST"), reset),
		opened("an unknown pseudo-header", get(":evil", "1"), reset),
		opened("a status in a request", get(":status", "200"), reset),
		opened("a pseudo-header behind headers", fields{":method", "GET", ":scheme", "http", ":authority", "sepal", "x", "y", ":path", "/livez"}, reset),
		opened("a name in upper case", get("X", "y"), reset),
		opened("a line break in a header", get("x", "a\r\ny: b"), reset),
		opened("NUL in a header over HTTP/2", get("x", "a\x00b"), reset),
		opened("a connection's header", get("connection", "close"), status, reset),
		opened("chunks over HTTP/2", get("transfer-encoding", "chunked"), status, reset),
		opened("an upgrade over HTTP/2", get("upgrade", "h2c"), status, reset),
		opened("trailers that are none", get("te", "gzip"), status, reset),
		opened("a header of 100 KB over HTTP/2", get("x", strings.Repeat("~", 100<<10)), "status 431", "goaway COMPRESSION_ERROR"),
		opened("3000 headers over HTTP/2", numberedFields(3000), "status 431", goAway),
		framed("a message of four gigabytes", 1, large(1<<32-1), exceeded),
		framed("a message of a gigabyte", 1, large(gigabyte), exceeded),
		framed("a message of a gigabyte on a stream", 1, func(p *peer) error {
			if err := p.open(1, call(stream, "te", "trailers"), false); err != nil {
				return err
			}
			return p.framer.WriteData(1, false, append([]byte{0, 0x40, 0, 0, 0}, make([]byte, 1000)...))
		}, exceeded),
		framed("gzip of 256 MB in a message", 1, func(p *peer) error {
			message := bomb()
			if err := p.open(1, call(predict, "te", "trailers", "grpc-encoding", "gzip"), false); err != nil {
				return err
			}
			return p.message(1, 1, message)
		}, exceeded),
		framed("more than was declared", 1, large(10, "content-length", "10"), reset, "reset NO_ERROR"),
		framed("data on a stream that is not open", 1, func(p *peer) error { return p.framer.WriteData(1, true, []byte("x")) }, goAway),
		framed("a stream of the server's", 2, func(p *peer) error { return p.open(2, get(), true) }, goAway),
		framed("a stream below another", 1, func(p *peer) error { return errors.Join(p.open(3, get(), true), p.open(1, get(), true)) }, goAway),
		framed("a header block within another", 1, func(p *peer) error {
			block := p.encode(get())
			return errors.Join(
				p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block}),
				p.framer.WriteData(1, true, []byte("x")))
		}, goAway, "closed"),
		framed("a header block that is none", 1, func(p *peer) error {
			return p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: bytes.Repeat([]byte{0xff}, 100), EndHeaders: true})
		}, "goaway COMPRESSION_ERROR"),
		framed("a frame of a megabyte", 1, func(p *peer) error {
			return errors.Join(p.open(1, call(predict), false), p.framer.WriteData(1, true, make([]byte, 1<<20)))
		}, "goaway FRAME_SIZE_ERROR"),
		framed("a window beyond what there is", 0, func(p *peer) error {
			return errors.Join(p.framer.WriteWindowUpdate(0, 1<<31-1), p.framer.WriteWindowUpdate(0, 1<<31-1))
		}, "goaway FLOW_CONTROL_ERROR"),
	}
}

func numberedFields(n int) fields {
	f := fields{":method", "GET", ":scheme", "http", ":authority", "sepal", ":path", "/livez"}
	for i := range n {
		f = append(f, fmt.Sprint("x", i), strings.Repeat("y", 10))
	}
	return f
}

// message sends an enveloped message, in frames. It minds no window: a server that has more
// of it than it gave leave for may end the connection.
func (p *peer) message(id uint32, flags byte, data []byte) error {
	body := append([]byte{flags, byte(len(data) >> 24), byte(len(data) >> 16), byte(len(data) >> 8), byte(len(data))}, data...)
	for len(body) > 0 {
		n := min(len(body), 16<<10)
		if err := p.framer.WriteData(id, n == len(body), body[:n]); err != nil {
			return err
		}
		body = body[n:]
	}
	return nil
}
