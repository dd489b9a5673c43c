package h2_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"

	"github.com/sepal-ml/sepal/services/internal/h2"
)

// wantsCut fails the test unless the connection is cut between two times from now, for that reason;
// meanwhile is done every second.
func (p *peer) wantsCut(after, before time.Duration, reason string, meanwhile func()) {
	p.t.Helper()
	start := time.Now()
	for ended := false; !ended && time.Since(start) < before; ended, _ = p.state() {
		if meanwhile != nil {
			meanwhile()
		}
		time.Sleep(time.Second)
		synctest.Wait()
	}
	ended, _ := p.state()
	if took := time.Since(start); !ended || took < after || !strings.Contains(p.log.String(), reason) {
		p.t.Errorf("ended %t after %v, log %q; expected %q after %v to %v", ended, took, p.log.String(), reason, after, before)
	}
}

// TestCutOff shows how long silence is borne.
func TestCutOff(t *testing.T) {
	const slack = 6 * time.Second
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	t.Run("no preface", func(t *testing.T) {
		silent(t, h2.Config{}, hang, func(p *peer, _ *h2.Server) {
			go p.read()
			p.wantsCut(10*time.Second, 10*time.Second+slack, "SETTINGS", nil)
		})
	})
	t.Run("no settings", func(t *testing.T) {
		silent(t, h2.Config{}, hang, func(p *peer, _ *h2.Server) {
			go p.read()
			p.raw([]byte(http2.ClientPreface + "\x00\x00"))
			p.wantsCut(10*time.Second, 10*time.Second+slack, "", nil)
		})
	})
	t.Run("half a frame", func(t *testing.T) {
		bubble(t, h2.Config{}, hang, func(p *peer) {
			p.raw([]byte{0, 0, 8, 6, 0})
			p.wantsCut(10*time.Second, 10*time.Second+slack, "takes too long", nil)
		})
	})
	t.Run("a frame in drops", func(t *testing.T) {
		bubble(t, h2.Config{}, hang, func(p *peer) {
			p.post(1, "/")
			p.raw([]byte{0, 1, 0, 0, 0, 0, 0, 0, 1})
			p.wantsCut(10*time.Second, 10*time.Second+slack, "takes too long", func() { p.raw([]byte{1}) })
		})
	})
	t.Run("a header block in drops", func(t *testing.T) {
		bubble(t, h2.Config{}, hang, func(p *peer) {
			p.do(p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndStream: true}))
			p.wantsCut(10*time.Second, 10*time.Second+slack, "takes too long", func() { p.do(p.framer.WriteContinuation(1, false, nil)) })
		})
	})
	t.Run("frames that take their time", func(t *testing.T) {
		bubble(t, h2.Config{}, func(_ http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			mustNot(n != 1000 || err != nil)
		}, func(p *peer) {
			p.post(1, "/")
			for range 100 { // the end of one with the beginning of the next
				p.raw([]byte{0, 0, 10, 0, 0})
				time.Sleep(8 * time.Second)
				p.raw([]byte("\x00\x00\x00\x01" + "0123456789"))
			}
			p.data(1, true, "")
			p.wants(1, "200", "")
		})
	})
	t.Run("no sign of life", func(t *testing.T) {
		bubble(t, h2.Config{}, hang, func(p *peer) {
			p.get(1, "/")
			p.wantsCut(80*time.Second, 80*time.Second+3*slack, "PING", nil)
			if diff := cmp.Diff([]string{"false there?"}, p.pinged()); diff != "" {
				t.Errorf("expected and got:\n%s", diff)
			}
		})
	})
	t.Run("signs of life", func(t *testing.T) {
		bubble(t, h2.Config{}, hang, func(p *peer) {
			p.get(1, "/")
			for answered := 0; answered < 20; {
				time.Sleep(time.Second)
				synctest.Wait()
				if len(p.pinged()) > answered {
					answered++
					p.do(p.framer.WritePing(true, [8]byte{'t', 'h', 'e', 'r', 'e', '?'}))
				}
			}
			p.wantsOpen()
			p.wantsCut(80*time.Second, 80*time.Second+3*slack, "PING", nil)
		})
	})
	t.Run("nothing is taken", func(t *testing.T) {
		silent(t, h2.Config{}, sized, func(p *peer, _ *h2.Server) {
			p.raw([]byte(http2.ClientPreface)) // the settings in return are not read
			start := time.Now()
			for i := range 1 << 20 {
				if _, err := p.conn.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0}[i%9 : i%9+1]); err != nil {
					break
				}
				time.Sleep(time.Second)
			}
			if took := time.Since(start); took < 30*time.Second || took > 30*time.Second+slack {
				t.Errorf("cut off after %v: %s", took, p.log.String())
			}
		})
	})
	t.Run("a little is taken", func(t *testing.T) {
		silent(t, h2.Config{}, sized, func(p *peer, _ *h2.Server) {
			written := make(chan struct{})
			go func() {
				p.hello(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
				close(written)
			}()
			buffer := make([]byte, 32<<10)
			if _, err := p.conn.Read(buffer); err != nil {
				t.Error(err)
			}
			<-written
			go func() {
				_ = p.framer.WriteWindowUpdate(0, 1<<20)
				_ = p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: p.encode(request("GET", "/1000000")...), EndStream: true, EndHeaders: true})
			}()
			all := 0
			for all < 1_000_000 {
				time.Sleep(10 * time.Second)
				n, err := p.conn.Read(buffer)
				if all += n; err != nil {
					t.Errorf("%d bytes, %v; %s", all, err, p.log.String())
					break
				}
			}
		})
	})
	t.Run("idle", func(t *testing.T) {
		bubble(t, h2.Config{}, tell, func(p *peer) {
			p.get(1, "/")
			time.Sleep(time.Minute)
			p.get(3, "/")
			p.wantsCut(2*time.Minute, 2*time.Minute+3*slack, "", nil)
			p.wantsEnd(http2.ErrCodeNo)
		})
	})
	t.Run("not idle", func(t *testing.T) {
		bubble(t, h2.Config{}, tell, func(p *peer) {
			for id := uint32(1); id < 40; id += 2 {
				p.get(id, "/")
				time.Sleep(time.Minute)
			}
			p.wantsOpen()
		})
	})
}
