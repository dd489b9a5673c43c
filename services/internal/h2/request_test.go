package h2_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"

	"github.com/sepal-ml/sepal/services/internal/h2"
)

// tell answers with what a handler sees of a request.
func tell(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	say(w, fmt.Sprintf("%s %s %s host=%s uri=%s length=%d %v body=%s %v trailer=%v", r.Method, r.URL, r.Proto, r.Host, r.RequestURI, r.ContentLength, r.Header, body, err, r.Trailer))
}

// TestRequests shows what handlers see of well-formed requests.
func TestRequests(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fields  []string
		body    string
		trailer []string
		want    string
	}{
		"plain": {request("GET", "/a/b"), "", nil, "GET /a/b HTTP/2.0 host=a.test uri=/a/b length=0 map[] body= <nil> trailer=map[]"},
		"a query and escapes": {request("GET", "/a%2Fb?c=d%20e"), "", nil,
			"GET /a%2Fb?c=d%20e HTTP/2.0 host=a.test uri=/a%2Fb?c=d%20e length=0 map[] body= <nil> trailer=map[]"},
		"two slashes": {request("GET", "//a"), "", nil, "GET //a HTTP/2.0 host=a.test uri=//a length=0 map[] body= <nil> trailer=map[]"},
		"an asterisk": {request("OPTIONS", "*"), "", nil, "OPTIONS * HTTP/2.0 host=a.test uri=* length=0 map[] body= <nil> trailer=map[]"},
		"CONNECT": {[]string{":method", "CONNECT", ":authority", "b.test:1"}, "", nil,
			"CONNECT //b.test:1 HTTP/2.0 host=b.test:1 uri=b.test:1 length=0 map[] body= <nil> trailer=map[]"},
		"a host in place of an authority": {[]string{":method", "GET", ":scheme", "https", ":path", "/", "host", "c.test"}, "", nil,
			"GET / HTTP/2.0 host=c.test uri=/ length=0 map[Host:[c.test]] body= <nil> trailer=map[]"},
		"fields that repeat, and cookies": {request("GET", "/", "x-a", "1", "cookie", "a=b", "x-a", "2", "cookie", "c=d", "te", "trailers"), "", nil,
			"GET / HTTP/2.0 host=a.test uri=/ length=0 map[Cookie:[a=b; c=d] Te:[trailers] X-A:[1 2]] body= <nil> trailer=map[]"},
		"a body": {request("POST", "/"), "hello", nil, "POST / HTTP/2.0 host=a.test uri=/ length=-1 map[] body=hello <nil> trailer=map[]"},
		"a body of a length": {request("POST", "/", "content-length", "5"), "hello", nil,
			"POST / HTTP/2.0 host=a.test uri=/ length=5 map[Content-Length:[5]] body=hello <nil> trailer=map[]"},
		"trailers": {request("POST", "/", "trailer", "x-a, X-B,", "trailer", "content-length, x-c"), "hello", []string{"x-a", "1", "x-a", "2", "x-b", "3", "x-d", "4"},
			"POST / HTTP/2.0 host=a.test uri=/ length=-1 map[] body=hello <nil> trailer=map[X-A:[1 2] X-B:[3] X-C:[]]"},
		"expecting, without a body": {request("GET", "/", "expect", "100-continue"), "", nil,
			"GET / HTTP/2.0 host=a.test uri=/ length=0 map[] body= <nil> trailer=map[]"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, h2.Config{}, tell, func(p *peer) {
				p.open(1, test.body == "", test.fields...)
				if test.body != "" {
					p.data(1, len(test.trailer) == 0, test.body)
				}
				if len(test.trailer) > 0 {
					p.open(1, true, test.trailer...)
				}
				p.wants(1, "200", test.want)
			})
		})
	}
}

// TestMalformed resets streams whose headers are not as they should be; the connection goes on.
func TestMalformed(t *testing.T) {
	t.Parallel()
	for name, fields := range map[string][]string{
		"no method":                 {":scheme", "http", ":path", "/"},
		"no path":                   {":method", "GET", ":scheme", "http"},
		"no scheme":                 {":method", "GET", ":path", "/"},
		"an empty path":             request("GET", ""),
		"another scheme":            {":method", "GET", ":scheme", "ftp", ":path", "/"},
		"a path twice":              request("GET", "/", ":path", "/"),
		"an empty authority first":  {":method", "GET", ":scheme", "http", ":path", "/", ":authority", "", ":authority", "a"},
		"a protocol":                request("GET", "/", ":protocol", "websocket"),
		"a status":                  request("GET", "/", ":status", "200"),
		"a pseudo-header at last":   request("GET", "/", "x", "y", ":authority", "b"),
		"a path that is none":       request("GET", "a"),
		"a space in the path":       request("GET", "/a b%"),
		"a method with a space":     request("GE T", "/"),
		"CONNECT with a path":       request("CONNECT", "/"),
		"CONNECT to nobody":         {":method", "CONNECT"},
		"a user":                    {":method", "GET", ":scheme", "http", ":path", "/", ":authority", "u@a"},
		"a line break":              request("GET", "/", "x", "a\r\nb"),
		"NUL":                       request("GET", "/", "x", "a\x00"),
		"an upper-case name":        request("GET", "/", "X", "a"),
		"an empty name":             request("GET", "/", "", "a"),
		"a name with a space":       request("GET", "/", "a b", "a"),
		"connection":                request("GET", "/", "connection", "close"),
		"te":                        request("GET", "/", "te", "gzip"),
		"a length that is none":     request("GET", "/", "content-length", "+1"),
		"a length of 2^63":          request("GET", "/", "content-length", "9223372036854775808"),
		"two lengths":               request("GET", "/", "content-length", "0", "content-length", "1"),
		"a length without the body": request("GET", "/", "content-length", "1"),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, h2.Config{}, tell, func(p *peer) {
				p.open(1, true, fields...)
				p.wantsReset(1, http2.ErrCodeProtocol)
				p.get(3, "/")
				if a := p.of(3); a.status != "200" {
					t.Errorf("the next request got %+v", a)
				}
				p.wantsOpen()
			})
		})
	}
}

// TestBodiesOfWrongLengths resets streams whose bodies are not as long as they should be, or are
// followed by trailers that are not as they should be.
func TestBodiesOfWrongLengths(t *testing.T) {
	for name, test := range map[string]struct {
		fields []string
		send   func(p *peer)
	}{
		"longer":                      {[]string{"content-length", "4"}, func(p *peer) { p.data(1, false, "hello") }},
		"shorter":                     {[]string{"content-length", "6"}, func(p *peer) { p.data(1, true, "hello") }},
		"shorter, trailers":           {[]string{"content-length", "6"}, func(p *peer) { p.data(1, false, "hello"); p.open(1, true, "x", "y") }},
		"trailers that do not end it": {nil, func(p *peer) { p.open(1, false, "x", "y") }},
		"pseudo-headers in trailers":  {nil, func(p *peer) { p.open(1, true, ":path", "/") }},
		"upper case in trailers":      {nil, func(p *peer) { p.open(1, true, "X", "y") }},
	} {
		t.Run(name, func(t *testing.T) {
			errs := make(chan error, 1)
			bubble(t, h2.Config{}, func(_ http.ResponseWriter, r *http.Request) {
				_, err := io.ReadAll(r.Body)
				errs <- err
			}, func(p *peer) {
				p.post(1, "/", test.fields...)
				test.send(p)
				p.wantsReset(1, http2.ErrCodeProtocol)
				if err := <-errs; err == nil {
					t.Error("the handler heard nothing of it")
				}
				p.data(1, false, "late")
				p.open(1, true, "late", "too")
				if got := p.of(1).resets; len(got) != 1 {
					t.Errorf("what came late was answered: %v", got)
				}
				p.wantsOpen()
			})
		})
	}
}

// TestHeaderLimits shows what becomes of lists and blocks that are too large.
func TestHeaderLimits(t *testing.T) {
	config := h2.Config{MaxHeaderBytes: 8 << 10}
	t.Run("list", func(t *testing.T) {
		bubble(t, config, tell, func(p *peer) {
			fields := request("GET", "/")
			for range 90 {
				fields = append(fields, "x", strings.Repeat("y", 100))
			}
			p.open(1, true, fields...)
			p.wants(1, "431", "")
			p.get(3, "/")
			if a := p.of(3); a.status != "200" {
				t.Errorf("the next request got %+v", a)
			}
			p.post(5, "/")
			p.open(5, true, fields[8:]...)
			p.wantsReset(5, http2.ErrCodeProtocol)
			p.wantsOpen()
		})
	})
	t.Run("block", func(t *testing.T) {
		bubble(t, config, tell, func(p *peer) {
			p.open(1, true, request("GET", "/", "x", strings.Repeat("\x01", 13<<10))...)
			ended, goAways := p.state()
			if !ended || len(goAways) != 1 || goAways[0].code == http2.ErrCodeNo {
				t.Errorf("ended %t, %v", ended, goAways)
			}
		})
	})
	t.Run("pieces", func(t *testing.T) {
		bubble(t, config, tell, func(p *peer) {
			p.do(p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndStream: true}))
			for range 33 {
				p.do(p.framer.WriteContinuation(1, false, nil))
			}
			p.wantsEnd(http2.ErrCodeEnhanceYourCalm)
		})
	})
	t.Run("few pieces", func(t *testing.T) {
		bubble(t, config, tell, func(p *peer) {
			block := p.encode(request("GET", "/")...)
			p.do(p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndStream: true, BlockFragment: block[:1]}))
			p.do(p.framer.WriteContinuation(1, false, block[1:5]))
			p.do(p.framer.WriteContinuation(1, true, block[5:]))
			if a := p.of(1); a.status != "200" {
				t.Errorf("got %+v", a)
			}
		})
	})
}

// TestBrokenHeaderFrames ends connections: the header tables of both sides would differ from then on.
func TestBrokenHeaderFrames(t *testing.T) {
	for name, test := range map[string]struct {
		send func(p *peer)
		code http2.ErrCode
	}{
		"padding": {func(p *peer) {
			p.do(p.framer.WriteRawFrame(http2.FrameHeaders, http2.FlagHeadersPadded, 1, []byte{9, 0}))
		}, http2.ErrCodeProtocol},
		"no block":                {func(p *peer) { p.do(p.framer.WriteRawFrame(http2.FrameHeaders, 4, 1, []byte{0x80})) }, http2.ErrCodeCompression},
		"a block that is cut off": {func(p *peer) { p.do(p.framer.WriteRawFrame(http2.FrameHeaders, 4, 1, []byte{0x00, 5})) }, http2.ErrCodeCompression},
		"an even stream":          {func(p *peer) { p.get(2, "/") }, http2.ErrCodeProtocol},
		"a smaller stream":        {func(p *peer) { p.get(201, "/"); p.get(1, "/") }, http2.ErrCodeProtocol},
		"a stream again":          {func(p *peer) { p.get(1, "/"); p.get(1, "/") }, http2.ErrCodeStreamClosed},
		"a frame within": {func(p *peer) {
			p.do(p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1}))
			p.do(p.framer.WritePing(false, [8]byte{}))
		}, http2.ErrCodeProtocol},
		"a continuation of none":   {func(p *peer) { p.do(p.framer.WriteContinuation(1, true, nil)) }, http2.ErrCodeProtocol},
		"data for an idle stream":  {func(p *peer) { p.data(1, true, "x") }, http2.ErrCodeProtocol},
		"an idle stream's reset":   {func(p *peer) { p.reset(1) }, http2.ErrCodeProtocol},
		"an idle stream's window":  {func(p *peer) { p.widen(1, 1) }, http2.ErrCodeProtocol},
		"an empty window":          {func(p *peer) { p.widen(0, 0) }, http2.ErrCodeProtocol},
		"a frame that is too long": {func(p *peer) { p.raw([]byte{0xff, 0, 0, 0, 0, 0, 0, 0, 1}) }, http2.ErrCodeFrameSize},
		"a push": {func(p *peer) {
			p.do(p.framer.WritePushPromise(http2.PushPromiseParam{StreamID: 1, PromiseID: 2, EndHeaders: true}))
		}, http2.ErrCodeProtocol},
		"a setting": {func(p *peer) { p.do(p.framer.WriteSettings(http2.Setting{ID: http2.SettingEnablePush, Val: 2})) }, http2.ErrCodeProtocol},
		"a window that is too large": {func(p *peer) {
			p.do(p.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 31}))
		}, http2.ErrCodeFlowControl},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, h2.Config{}, tell, func(p *peer) {
				test.send(p)
				p.wantsEnd(test.code)
			})
		})
	}
}

// TestHello ends connections that do not begin as they should.
func TestHello(t *testing.T) {
	for name, send := range map[string]func(p *peer){
		"HTTP/1":      func(p *peer) { p.raw([]byte("GET / HTTP/1.1\r\n")) },
		"no settings": func(p *peer) { p.raw([]byte(http2.ClientPreface)); p.do(p.framer.WritePing(false, [8]byte{})) },
		"an ack":      func(p *peer) { p.raw([]byte(http2.ClientPreface)); p.do(p.framer.WriteSettingsAck()) },
	} {
		t.Run(name, func(t *testing.T) {
			silent(t, h2.Config{}, tell, func(p *peer, _ *h2.Server) {
				go p.read()
				synctest.Wait()
				if name == "HTTP/1" {
					_, _ = p.conn.Write([]byte("GET / HTTP/1.1\r\n")) // it is not read to its end
					synctest.Wait()
				} else {
					send(p)
				}
				p.wantsEnd(http2.ErrCodeProtocol)
			})
		})
	}
}

// TestForms shows that the files of a form are gone when its handler is done.
func TestForms(t *testing.T) {
	names := make(chan string, 1)
	bubble(t, h2.Config{}, func(_ http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1); err != nil {
			panic(err)
		}
		file, err := r.MultipartForm.File["f"][0].Open()
		if err != nil {
			panic(err)
		}
		defer file.Close()
		onDisk, ok := file.(*os.File)
		mustNot(!ok)
		names <- onDisk.Name()
	}, func(p *peer) {
		p.post(1, "/", "content-type", "multipart/form-data; boundary=b")
		p.data(1, false, "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n")
		for range 700 { // net/http keeps 10 MB in memory beside what it is told to
			p.data(1, false, strings.Repeat("x", 16<<10))
		}
		p.data(1, true, "\r\n--b--\r\n")
		p.wants(1, "200", "")
		if _, err := os.Stat(<-names); !os.IsNotExist(err) {
			t.Errorf("its file is still there: %v", err)
		}
	})
}

// TestBodyClosed ends a Read in another goroutine when the body is closed, or the handler is done.
func TestBodyClosed(t *testing.T) {
	for name, handler := range map[string]func(body io.Closer){
		"closed": func(body io.Closer) { body.Close() },
		"done":   func(io.Closer) {},
	} {
		t.Run(name, func(t *testing.T) {
			read := make(chan error, 1)
			bubble(t, h2.Config{}, func(_ http.ResponseWriter, r *http.Request) {
				started := make(chan struct{})
				go func() {
					close(started)
					_, err := r.Body.Read(make([]byte, 1))
					read <- err
				}()
				<-started
				time.Sleep(time.Second) // it reads
				handler(r.Body)
			}, func(p *peer) {
				p.post(1, "/")
				time.Sleep(2 * time.Second)
				synctest.Wait()
				select {
				case err := <-read:
					if err == nil {
						t.Error("there was something to read")
					}
				default:
					t.Error("the Read blocks")
					p.reset(1)
				}
				if diff := cmp.Diff("200", p.of(1).status); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}
