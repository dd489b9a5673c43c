package h2_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/sepal-ml/sepal/services/internal/h2"
)

// peer is a client that sends what it is told to, frame by frame, and notes what it is sent. It
// lives in a bubble of synctest.
type peer struct {
	t      *testing.T
	conn   net.Conn
	framer *http2.Framer // to write with
	block  bytes.Buffer
	hpack  *hpack.Encoder
	log    safeBuffer // of the server

	mu      sync.Mutex
	answers map[uint32]*answer
	goAways []goAway
	pings   []string // "ack" or not, and their data
	updates int64    // of the connection's window
	acks    int      // of settings
	ended   bool     // there is nothing more to read
}

// answer is what came on a stream.
type answer struct {
	informed []string // statuses of 1xx, and their fields
	status   string
	header   http.Header
	body     []byte
	trailer  http.Header
	ended    bool
	late     bool // something came after a reset
	resets   []http2.ErrCode
	updates  int64 // of the stream's window
}

type goAway struct {
	last uint32
	code http2.ErrCode
}

// safeBuffer is a buffer that several goroutines may use.
type safeBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// bubble runs a test with a peer that has said hello to a server, and reads all that it is sent.
func bubble(t *testing.T, config h2.Config, handler http.HandlerFunc, test func(p *peer)) {
	t.Helper()
	silent(t, config, handler, func(p *peer, _ *h2.Server) {
		go p.read()
		p.hello()
		test(p)
	})
}

// silent is bubble, but the peer neither says nor reads anything.
func silent(t *testing.T, config h2.Config, handler http.HandlerFunc, test func(p *peer, s *h2.Server)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		outer, inner := net.Pipe()
		p := newPeer(t, outer)
		config.ErrorLog = log.New(&p.log, "", 0)
		server := h2.New(config)
		var serving sync.WaitGroup
		serving.Go(func() {
			server.ServeConn(context.Background(), inner, h2.Connection{Handler: handler})
		})
		test(p, server)
		outer.Close()
		serving.Wait()
		synctest.Wait()
		server.Close()
	})
}

func newPeer(t *testing.T, conn net.Conn) *peer {
	p := &peer{t: t, conn: conn, framer: http2.NewFramer(conn, nil), answers: make(map[uint32]*answer)}
	p.framer.AllowIllegalWrites = true
	p.hpack = hpack.NewEncoder(&p.block)
	return p
}

// hello begins a connection, with settings if there are any.
func (p *peer) hello(settings ...http2.Setting) {
	p.t.Helper()
	p.raw([]byte(http2.ClientPreface))
	p.do(p.framer.WriteSettings(settings...))
}

// raw sends bytes.
func (p *peer) raw(b []byte) {
	p.t.Helper()
	_, err := p.conn.Write(b)
	p.do(err)
}

// do notes the error of something sent, and waits until all is quiet.
func (p *peer) do(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Errorf("sending: %v", err)
	}
	synctest.Wait()
}

// encode returns a header block. Fields are names and values in turn.
func (p *peer) encode(fields ...string) []byte {
	p.block.Reset()
	for pair := range slices.Chunk(fields, 2) {
		if err := p.hpack.WriteField(hpack.HeaderField{Name: pair[0], Value: pair[1]}); err != nil {
			p.t.Fatal(err)
		}
	}
	return p.block.Bytes()
}

// request returns the fields of a request of a method for a path, and those given behind.
func request(method, path string, more ...string) []string {
	return append([]string{":method", method, ":scheme", "http", ":path", path, ":authority", "a.test"}, more...)
}

// open sends headers.
func (p *peer) open(id uint32, end bool, fields ...string) {
	p.t.Helper()
	p.do(p.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: id, BlockFragment: p.encode(fields...), EndStream: end, EndHeaders: true,
	}))
}

func (p *peer) get(id uint32, path string) {
	p.t.Helper()
	p.open(id, true, request("GET", path)...)
}

func (p *peer) post(id uint32, path string, more ...string) {
	p.t.Helper()
	p.open(id, false, request("POST", path, more...)...)
}

func (p *peer) data(id uint32, end bool, body string) {
	p.t.Helper()
	p.do(p.framer.WriteData(id, end, []byte(body)))
}

func (p *peer) widen(id, n uint32) {
	p.t.Helper()
	p.do(p.framer.WriteWindowUpdate(id, n))
}

func (p *peer) reset(id uint32) {
	p.t.Helper()
	p.do(p.framer.WriteRSTStream(id, http2.ErrCodeCancel))
}

// read notes what is sent until there is no more.
func (p *peer) read() {
	framer := http2.NewFramer(nil, p.conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	framer.MaxHeaderListSize = 1 << 20
	for {
		frame, err := framer.ReadFrame()
		p.mu.Lock()
		if err != nil {
			p.ended = true
			p.mu.Unlock()
			return
		}
		p.note(frame)
		p.mu.Unlock()
	}
}

func (p *peer) note(frame http2.Frame) {
	a := p.answers[frame.Header().StreamID]
	if a == nil {
		a = &answer{}
		p.answers[frame.Header().StreamID] = a
	}
	switch f := frame.(type) {
	case *http2.MetaHeadersFrame:
		a.late = a.late || len(a.resets) > 0
		a.noteHeaders(f)
	case *http2.DataFrame:
		a.late = a.late || len(a.resets) > 0
		a.body = append(a.body, f.Data()...)
		a.ended = a.ended || f.StreamEnded()
	case *http2.RSTStreamFrame:
		a.resets = append(a.resets, f.ErrCode)
	case *http2.GoAwayFrame:
		p.goAways = append(p.goAways, goAway{f.LastStreamID, f.ErrCode})
	case *http2.PingFrame:
		p.pings = append(p.pings, fmt.Sprintf("%v %s", f.IsAck(), bytes.TrimRight(f.Data[:], "\x00")))
	case *http2.WindowUpdateFrame:
		if f.StreamID == 0 {
			p.updates += int64(f.Increment)
		} else {
			a.updates += int64(f.Increment)
		}
	case *http2.SettingsFrame:
		if f.IsAck() {
			p.acks++
		}
	}
}

func (a *answer) noteHeaders(f *http2.MetaHeadersFrame) {
	fields := make(http.Header)
	for _, field := range f.RegularFields() {
		fields[field.Name] = append(fields[field.Name], field.Value)
	}
	switch status := f.PseudoValue("status"); {
	case strings.HasPrefix(status, "1"):
		a.informed = append(a.informed, status+" "+fmt.Sprint(fields))
	case status != "":
		a.status, a.header = status, fields
	default:
		a.trailer = fields
	}
	a.ended = a.ended || f.StreamEnded()
}

// of returns what came on a stream until now.
func (p *peer) of(id uint32) answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.answers[id]; a != nil {
		return *a
	}
	return answer{}
}

// state returns what was said about the connection as a whole.
func (p *peer) state() (ended bool, goAways []goAway) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended, slices.Clone(p.goAways)
}

// pinged returns the pings until now.
func (p *peer) pinged() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.pings)
}

// wants fails the test unless a stream was answered whole, with a status and body, and not reset.
func (p *peer) wants(id uint32, status, body string) {
	p.t.Helper()
	if a := p.of(id); a.status != status || string(a.body) != body || !a.ended || len(a.resets) > 0 {
		p.t.Errorf("stream %d: status %q, %d bytes %.40q, ended %t, resets %v; expected %s and %d bytes %.40q",
			id, a.status, len(a.body), a.body, a.ended, a.resets, status, len(body), body)
	}
}

// wantsReset fails the test unless a stream was reset once, with that code.
func (p *peer) wantsReset(id uint32, code http2.ErrCode) {
	p.t.Helper()
	if a := p.of(id); !slices.Equal(a.resets, []http2.ErrCode{code}) {
		p.t.Errorf("stream %d: resets %v, expected %v", id, a.resets, code)
	}
}

// wantsOpen fails the test if the connection has ended or is about to.
func (p *peer) wantsOpen() {
	p.t.Helper()
	if ended, goAways := p.state(); ended || len(goAways) > 0 {
		p.t.Errorf("the connection ends: %t, %v; log: %s", ended, goAways, p.log.String())
	}
}

// wantsEnd fails the test unless the connection has ended with that code.
func (p *peer) wantsEnd(code http2.ErrCode) {
	p.t.Helper()
	ended, goAways := p.state()
	if last := len(goAways) - 1; !ended || last < 0 || goAways[last].code != code {
		p.t.Errorf("ended %t, goaways %v, expected %v", ended, goAways, code)
	}
}
