package h2_test

import (
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"

	"github.com/sepal-ml/sepal/services/internal/h2"
)

// FuzzFrames sends the same frames to a server of the package and to net/http's, one by one, and
// compares what comes back until the first ends its connection, they differ in a way in which they may,
// or net/http says its last word, which it does at once where a client goes.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{0, 1, 3, 0, 0})
	f.Add([]byte{0, 1, 2, 0, 0, 2, 1, 9, 0, 2, 1, 9, 1, 0, 3, 3, 4, 0})
	f.Add([]byte{5, 2, 0, 0, 1, 3, 4, 0, 4, 1, 1, 4, 1, 2, 5, 2, 1, 4, 1, 3})
	f.Add([]byte{0, 1, 0, 1, 0, 8, 1, 0, 0, 1, 2, 1, 20, 1})
	f.Add([]byte{0, 1, 2, 0, 0, 0, 1, 3, 9, 0, 3, 1, 0, 3, 3, 6, 2, 7, 5, 5, 9, 4, 1, 3, 2, 1, 2, 10})
	for field := range byte(len(moreFields)) {
		f.Add([]byte{0, 1, 2, 0, field, 2, 1, 5, 1, 0, 3, 3, 0, field})
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		written := newScript(script[:min(len(script), 400)])
		frames := written.frames()
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := fuzzed(t, true), fuzzed(t, false)
			defer ours.end()
			defer theirs.end()
			for i, frame := range frames {
				alive := ours.send(frame.bytes)
				if theirs.send(frame.bytes) != alive {
					if why := mayEnd(frame, alive, ours, theirs); why == "" {
						t.Errorf("after frame %d, %s, ours is alive: %t, theirs is not so; %v and %v", i, frame.what, alive, ours.goAways, theirs.goAways)
					}
					return
				}
				when := fmt.Sprintf("after frame %d, %s", i, frame.what)
				if !alive || len(theirs.goAways) > 0 || !same(t, when, ours.peer, theirs.peer, written.strict) || frame.malformed(ours.peer) {
					return
				}
			}
		})
	})
}

// endings are the ways in which one server may end a connection, and the other not.
func mayEnd(frame scripted, oursLives bool, ours, theirs *target) string {
	header, err := http2.ReadFrameHeader(strings.NewReader(string(frame.bytes)))
	if err != nil {
		return "" // it is shorter than that: both wait for more
	}
	switch {
	case header.Type == http2.FrameSettings && oursLives:
		return "net/http ends connections for an ACK too many, a setting that repeats, and more than 100"
	case (header.Type == http2.FrameHeaders || header.Type == http2.FrameContinuation) && oursLives:
		return "net/http takes headers that come late, for a stream which it has reset, for a new stream of a low number"
	case header.Type != http2.FrameHeaders && header.Type != http2.FrameContinuation || len(ours.goAways) == 0:
	case len(theirs.of(header.StreamID).resets) > 0:
		return "net/http looks at fields before it looks at the number of the stream, and lets it be where a block is not decoded"
	case ours.goAways[len(ours.goAways)-1].code == http2.ErrCodeCompression && !header.Flags.Has(http2.FlagHeadersEndHeaders):
		return "net/http reads on where a string is longer than it may be"
	case ours.goAways[len(ours.goAways)-1].code == http2.ErrCodeEnhanceYourCalm:
		return "a header block in many pieces is a flood"
	}
	return ""
}

// malformed reports whether a frame has begun a stream that was reset: for net/http there was none.
func (f scripted) malformed(p *peer) bool {
	header, err := http2.ReadFrameHeader(strings.NewReader(string(f.bytes)))
	return err == nil && (header.Type == http2.FrameHeaders || header.Type == http2.FrameContinuation) && len(p.of(header.StreamID).resets) > 0
}

// same compares all streams, and reports whether they may be compared any further. On those that are
// named strict came what the package looks at and net/http does not: lengths of bodies that end early
// or are none, letters of methods, fields of the connection.
func same(t *testing.T, when string, ours, theirs *peer, strict map[uint32]bool) bool {
	ids := maps.Clone(ours.answers)
	maps.Copy(ids, theirs.answers)
	goOn := true
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		a, b := summary(ours.answers[id]), summary(theirs.answers[id])
		if id == 0 || a == b {
			continue
		}
		goOn = false
		if a != "reset by fault" || !strict[id] {
			t.Errorf("%s, stream %d:\nours:   %s\ntheirs: %s", when, id, a, b)
		}
	}
	return goOn
}

// summary says what came on a stream until its end, and by which kind of end. Whether there was a 100
// is left out: net/http sends one also where no body can follow.
func summary(a *answer) string {
	switch {
	case a == nil:
		return ""
	case a.late: // net/http lets a stream begin again that was malformed
		return "reset by fault"
	case a.ended:
	case len(a.resets) > 0 && a.resets[0] == http2.ErrCodeNo:
		return "reset"
	case len(a.resets) > 0:
		return "reset by fault"
	}
	header := maps.Clone(a.header)
	delete(header, "date")
	informed := slices.DeleteFunc(slices.Clone(a.informed), func(s string) bool { return s == "100 map[]" })
	return strings.TrimSpace(fmt.Sprint(a.status, " ", informed, header, string(a.body), a.trailer, a.ended))
}

// target is a server and its client.
type target struct {
	*peer
	stop func()
	dead bool
}

// fuzzed starts a server of net/http, with or without the package attached.
func fuzzed(t *testing.T, native bool) *target {
	outer, inner := net.Pipe()
	server := &http.Server{
		Handler: http.HandlerFunc(scriptedHandler), Protocols: new(http.Protocols), ErrorLog: log.New(io.Discard, "", 0),
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 100, MaxReadFrameSize: 16 << 10},
	}
	server.Protocols.SetUnencryptedHTTP2(true)
	done := func() {}
	if native {
		s := h2.New(h2.Config{ErrorLog: server.ErrorLog})
		s.Attach(server)
		done = s.Close
	}
	listener := &single{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
	listener.conns <- inner
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) }) // it is closed
	target := &target{peer: newPeer(t, outer), stop: func() {
		outer.Close()
		_ = server.Close() // there is nothing that it could not close
		serving.Wait()
		time.Sleep(time.Minute) // net/http waits a little after its last word
		synctest.Wait()
		done()
	}}
	go target.read()
	target.hello()
	return target
}

func (t *target) end() { t.stop() }

// send sends bytes, and reports whether the connection is alive after them.
func (t *target) send(b []byte) bool {
	_, err := t.conn.Write(b)
	synctest.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dead = t.dead || err != nil || t.ended
	for _, g := range t.goAways {
		t.dead = t.dead || g.code != http2.ErrCodeNo
	}
	return !t.dead
}

// single is a listener of one connection.
type single struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *single) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *single) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *single) Addr() net.Addr { return &net.TCPAddr{} }

// scriptedHandler does what the path says.
func scriptedHandler(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/early":
		w.Header().Set("X-Method", "early")
		say(w, "early")
	case "/first":
		var one [1]byte
		n, _ := r.Body.Read(one[:])
		w.Header().Set("Trailer", "X-Last")
		flush(w)
		say(w, strings.Repeat("first", 100*n))
		w.Header().Set("X-Last", "yes")
	case "/stream":
		w.Header().Set("X-Streamed", "yes")
		flush(w)
		for part := make([]byte, 100); ; flush(w) {
			n, err := r.Body.Read(part)
			if _, failed := w.Write(part[:n]); err != nil || failed != nil {
				return
			}
		}
	case "/hang":
		<-r.Context().Done()
	case "/panic":
		panic(http.ErrAbortHandler)
	case "/hints":
		w.Header().Set("Link", "x")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusNoContent)
	default:
		body, err := io.ReadAll(r.Body)
		delete(r.Trailer, "") // net/http announces trailers without a name
		w.Header().Set("Content-Type", "text/plain")
		say(w, fmt.Sprintf("%s %s %s host=%s uri=%s %v body=%d %t trailer=%v", r.Method, r.URL, r.Proto, r.Host, r.RequestURI, r.Header, len(body), err == nil, r.Trailer))
		w.Header().Set(http.TrailerPrefix+"X-End", "yes")
	}
}

// script makes frames of bytes.
type script struct {
	rest  []byte
	peer  *peer // to encode with
	bytes strings.Builder
	out   *http2.Framer

	strict map[uint32]bool
}

// scripted is a frame, or what looks a little like one.
type scripted struct {
	what  string
	bytes []byte
}

func newScript(rest []byte) *script {
	s := &script{rest: rest, peer: newPeer(nil, nil), strict: make(map[uint32]bool)}
	s.out = http2.NewFramer(&s.bytes, nil)
	s.out.AllowIllegalWrites = true
	return s
}

func (s *script) next() byte {
	if len(s.rest) == 0 {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b
}

func (s *script) id() uint32 { return uint32(s.next() % 16) }

func (s *script) take(n int) []byte {
	p := s.rest[:min(n, len(s.rest))]
	s.rest = s.rest[len(p):]
	return p
}

var (
	paths      = []string{"/", "/early", "/echo", "/first", "/stream", "/hang", "/panic", "/hints", "*", "//a?b", "x"}
	methods    = []string{"GET", "POST", "HEAD", "OPTIONS", "CONNECT", "get"}
	moreFields = [][]string{
		nil, {"content-length", "5"}, {"content-length", "0"}, {"content-length", "x"}, {"connection", "close"}, {"te", "trailers"},
		{"te", "gzip"}, {"cookie", "a", "cookie", "b"}, {"host", "b"}, {"expect", "100-continue"}, {"trailer", "x-t, y"}, {"X", "y"},
		{"x", "\x00"}, {":path", "/"}, {":authority", ""}, {"x", "y", ":scheme", "http"}, {"", "x"}, {"x-t", "1"}, {"upgrade", "h2c"},
		{"a b", "c"}, {"content-length", "5", "content-length", "6"}, {":protocol", "x"}, {"keep-alive", "1"}, {"transfer-encoding", "chunked"},
	}
	increments = []uint32{0, 1, 100, 1000, 1 << 20, 1<<31 - 1}
	settings   = []http2.SettingID{1, 2, 4, 4, 4, 5, 6, 99}
)

func pick[T any](from []T, b byte) T { return from[int(b)%len(from)] }

// frames returns what the script says.
func (s *script) frames() (all []scripted) {
	for len(s.rest) > 0 && len(all) < 64 {
		s.bytes.Reset()
		what := s.frame()
		all = append(all, scripted{what, []byte(s.bytes.String())})
	}
	return all
}

func (s *script) frame() string {
	var err error
	what := ""
	switch op := s.next() % 12; op {
	case 0, 1:
		what, err = s.headers()
	case 2:
		id, n, flags := s.id(), int(s.next()), s.next()
		what = fmt.Sprintf("%d bytes of DATA for %d, flags %d", n, id, flags&3)
		if flags&2 == 0 {
			err = s.out.WriteData(id, flags&1 != 0, make([]byte, n))
		} else {
			err = s.out.WriteDataPadded(id, flags&1 != 0, make([]byte, n), make([]byte, n/2))
		}
	case 3:
		what, err = "RST_STREAM", s.out.WriteRSTStream(s.id(), http2.ErrCodeCancel)
	case 4:
		id, n := s.id(), pick(increments, s.next())
		what, err = fmt.Sprintf("WINDOW_UPDATE of %d by %d", id, n), s.out.WriteWindowUpdate(id, n)
	case 5:
		what = "SETTINGS"
		var list []http2.Setting
		for range s.next() % 4 {
			list = append(list, http2.Setting{ID: pick(settings, s.next()), Val: pick(append([]uint32{16384}, increments...), s.next())})
		}
		err = s.out.WriteSettings(list...)
	case 6:
		what, err = "PING", s.out.WritePing(s.next()&1 != 0, [8]byte{})
	case 7:
		what, err = "PRIORITY", s.out.WritePriority(s.id(), http2.PriorityParam{StreamDep: s.id()})
	case 8:
		id, end := s.id(), s.next()&1 != 0
		s.strict[id] = true // who knows what it says
		what, err = "CONTINUATION", s.out.WriteContinuation(id, end, s.take(int(s.next()%16)))
	case 9:
		kind, flags, id := s.next(), s.next(), s.id()
		s.strict[id] = true
		what = fmt.Sprintf("a frame of kind %d, flags %d, for %d", kind%12, flags, id)
		err = s.out.WriteRawFrame(http2.FrameType(kind%12), http2.Flags(flags), id, s.take(int(s.next()%20)))
	case 10:
		what, err = "GOAWAY", s.out.WriteGoAway(0, http2.ErrCode(s.next()%2), nil)
	case 11:
		what = "garbage"
		_, err = s.bytes.Write(s.take(int(s.next() % 32)))
	}
	if err != nil {
		what += ": " + err.Error()
	}
	return what
}

// headers begins a stream, or ends one with trailers.
func (s *script) headers() (string, error) {
	id, flags, method, path, more := s.id(), s.next(), s.next(), s.next(), pick(moreFields, s.next())
	s.strict[id] = s.strict[id] || strict(more)
	fields := request(pick(methods, method), pick(paths, path), more...)
	if flags&4 != 0 {
		fields = more
	}
	param := http2.HeadersFrameParam{
		StreamID: id, EndStream: flags&1 != 0, EndHeaders: flags&8 == 0, BlockFragment: s.peer.encode(fields...),
	}
	if flags&0x70 == 0x70 {
		param.Priority = http2.PriorityParam{StreamDep: uint32(flags >> 7), Weight: 1}
	}
	return fmt.Sprintf("HEADERS of %d, flags %#x, %q", id, flags, fields), s.out.WriteHeaders(param)
}

// FuzzHeaders compares what handlers see of a header block, and which are refused, with net/http.
func FuzzHeaders(f *testing.F) {
	f.Add(":method\x00GET\x00:scheme\x00http\x00:path\x00/a/b%20c?d=e\x00:authority\x00a.test:80\x00x-y\x00z")
	f.Add(":method\x00CONNECT\x00:authority\x00a:1")
	f.Add(":method\x00PUT\x00:scheme\x00https\x00:path\x00*\x00host\x00b\x00cookie\x00a=b\x00cookie\x00c=d\x00te\x00trailers")
	f.Add(":method\x00GET\x00:scheme\x00http\x00:path\x00//x\x00trailer\x00a, b,, content-length\x00expect\x00100-continue")
	f.Add(":method\x00GET\x00:scheme\x00http\x00:path\x00/\x00:authority\x00u@a\x00x\x00 y \x00x\x00\t")
	f.Fuzz(func(t *testing.T, text string) {
		parts := strings.Split(text, "\x00")
		if len(parts) > 40 || len(text) > 2000 {
			return
		}
		if len(parts)%2 == 1 {
			parts = append(parts, "")
		}
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := fuzzed(t, true), fuzzed(t, false)
			defer ours.end()
			defer theirs.end()
			s := newScript(nil)
			if err := s.out.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndStream: true, EndHeaders: true, BlockFragment: s.peer.encode(parts...)}); err != nil {
				t.Fatal(err)
			}
			if alive := ours.send([]byte(s.bytes.String())); alive != theirs.send([]byte(s.bytes.String())) || !alive {
				t.Fatalf("ours is alive: %t", alive)
			}
			a, b := summary(ours.answers[1]), summary(theirs.answers[1])
			if a == b || a == "reset by fault" && strict(parts) {
				return
			}
			t.Error(cmp.Diff(b, a))
		})
	})
}

// strict reports whether there are fields that the package looks at and net/http does not, or that are
// answered by 400 there: see same.
func strict(fields []string) bool {
	for pair := range slices.Chunk(fields, 2) {
		switch pair[0] {
		case ":method", ":authority", "host", ":path", ":scheme":
			if pair[1] == "" || strings.ContainsFunc(pair[1], func(r rune) bool { return !strings.ContainsRune(plain, r) }) {
				return true
			}
		case "content-length", "te", "connection", "upgrade", "keep-alive", "transfer-encoding", "proxy-connection":
			return true
		}
	}
	return false
}

const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#[]!$&'()*+,;=%"
