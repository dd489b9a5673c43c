package h2_test

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/sepal-ml/sepal/services/internal/h2"
)

// sized answers with as many bytes as the path says.
func sized(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.URL.Path[1:])
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "x/y")
	for range 2 {
		if _, err := w.Write(make([]byte, n/2)); err != nil {
			return
		}
	}
}

// received returns how much of a body has come.
func (p *peer) received(id uint32) int { return len(p.of(id).body) }

// TestWindowsOfThePeer sends no more than its windows allow, and all of it in the end.
func TestWindowsOfThePeer(t *testing.T) {
	wants := func(p *peer, id uint32, n int) {
		p.t.Helper()
		if got := p.received(id); got != n {
			p.t.Errorf("%d bytes of stream %d, expected %d", got, id, n)
		}
	}
	t.Run("of the connection and of streams", func(t *testing.T) {
		bubble(t, h2.Config{}, sized, func(p *peer) {
			p.get(1, "/100000")
			wants(p, 1, 65535)
			p.get(3, "/10") // the connection's window is used up
			wants(p, 3, 0)
			p.widen(3, 1000)
			p.widen(0, 10)
			wants(p, 3, 10)
			p.widen(1, 1000)
			wants(p, 1, 65535)
			p.widen(0, 500)
			wants(p, 1, 66035)
			p.widen(0, 1<<20)
			wants(p, 1, 66535)
			p.widen(1, 1<<20)
			p.wants(1, "200", strings.Repeat("\x00", 100000))
			p.wants(3, "200", strings.Repeat("\x00", 10))
		})
	})
	t.Run("by settings", func(t *testing.T) {
		bubble(t, h2.Config{}, sized, func(p *peer) {
			window := func(n uint32) {
				p.do(p.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: n}))
			}
			window(0)
			p.get(1, "/1000")
			wants(p, 1, 0)
			window(1)
			wants(p, 1, 1)
			window(100)
			wants(p, 1, 100)
			window(10) // 90 less than nothing
			p.widen(1, 90)
			wants(p, 1, 100)
			p.widen(1, 1)
			wants(p, 1, 101)
			window(1 << 20)
			p.wants(1, "200", strings.Repeat("\x00", 1000))
			if p.acks != 5+1 {
				t.Errorf("%d acks", p.acks)
			}
		})
	})
	t.Run("negative at the end of a body", func(t *testing.T) {
		var ended chan struct{}
		bubble(t, h2.Config{}, func(w http.ResponseWriter, _ *http.Request) {
			say(w, "12345")
			flush(w)
			time.Sleep(time.Second)
			close(ended)
		}, func(p *peer) {
			ended = make(chan struct{})
			p.get(1, "/")
			p.do(p.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1}))
			<-ended
			synctest.Wait()
			p.wants(1, "200", "12345")
		})
	})
	t.Run("larger than can be", func(t *testing.T) {
		bubble(t, h2.Config{}, sized, func(p *peer) {
			p.post(1, "/100000")
			p.widen(1, 1<<31-1)
			p.widen(1, 1<<31-1)
			p.wantsReset(1, http2.ErrCodeFlowControl)
			p.post(3, "/100000")
			p.widen(3, 1<<20)
			p.do(p.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1}))
			p.wantsEnd(http2.ErrCodeFlowControl)
		})
	})
}

// TestWindowsOfTheServer gives back what handlers read, and what nobody will read.
func TestWindowsOfTheServer(t *testing.T) {
	const window = 1 << 20
	part := strings.Repeat("x", 16<<10)
	send := func(p *peer, id uint32, n int) {
		for range n >> 14 {
			p.data(id, false, part)
		}
	}
	t.Run("read", func(t *testing.T) {
		bubble(t, h2.Config{}, func(w http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			mustNot(err != nil)
			say(w, strconv.FormatInt(n, 10))
		}, func(p *peer) {
			p.post(1, "/")
			for range 8 {
				send(p, 1, window/2)
			}
			p.data(1, true, "")
			p.wants(1, "200", strconv.Itoa(4*window))
			if of, all := p.of(1).updates, p.updates; of < 3*window || of > 4*window || all < 4*window || all > 5*window {
				t.Errorf("updates of %d and %d bytes", of, all)
			}
		})
	})
	t.Run("not read", func(t *testing.T) {
		bubble(t, h2.Config{}, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, func(p *peer) {
			p.post(1, "/")
			send(p, 1, window)
			if got := p.of(1).updates; got != 0 {
				t.Errorf("an update of %d bytes", got)
			}
			p.data(1, false, "x")
			p.wantsEnd(http2.ErrCodeFlowControl)
		})
	})
	for name, end := range map[string]func(p *peer){
		"the stream is reset":     func(p *peer) { p.reset(1) },
		"the stream is at fault":  func(p *peer) { p.open(1, false, "x", "y") },
		"the handler closes":      func(p *peer) { p.get(3, "/close") },
		"the handler ends":        func(p *peer) { p.get(3, "/end") },
		"another reads all of it": func(p *peer) { p.get(3, "/read") },
	} {
		t.Run(name, func(t *testing.T) {
			var first chan *http.Request
			bubble(t, h2.Config{}, func(_ http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/":
					ctx, cancel := context.WithCancel(r.Context())
					defer cancel()
					first <- r.WithContext(context.WithValue(ctx, canceller{}, cancel))
					<-ctx.Done()
				case "/close":
					(<-first).Body.Close()
				case "/read":
					n, _ := io.CopyN(io.Discard, (<-first).Body, window-16)
					mustNot(n != window-16)
				case "/end":
					cancel, _ := (<-first).Context().Value(canceller{}).(context.CancelFunc)
					cancel()
				}
			}, func(p *peer) {
				first = make(chan *http.Request, 1)
				p.post(1, "/")
				p.do(p.framer.WriteDataPadded(1, false, []byte(part[16:]), make([]byte, 15)))
				send(p, 1, window-16<<10)
				end(p)
				if p.updates < 3*window/2-65535 || p.updates > 2*window-65535 {
					t.Errorf("updates of %d bytes", p.updates)
				}
				p.post(5, "/none")
				send(p, 5, window/2)
				p.wantsOpen()
			})
		})
	}
}

type canceller struct{}

// TestFaultyDataKeepsTheWindow sends DATA that resets streams, again and again: what it took of the
// connection's window is given back.
func TestFaultyDataKeepsTheWindow(t *testing.T) {
	bubble(t, h2.Config{}, func(http.ResponseWriter, *http.Request) {}, func(p *peer) {
		for id := uint32(1); id < 400; id += 2 {
			p.post(id, "/", "content-length", "1")
			p.data(id, true, strings.Repeat("x", 16<<10))
		}
		p.wantsOpen()
	})
}

// TestStreamsAreRefused refuses those that are too many, and those whose predecessors' handlers run
// still; the next are answered again.
func TestStreamsAreRefused(t *testing.T) {
	var proceed chan struct{}
	bubble(t, h2.Config{MaxStreams: 3}, func(_ http.ResponseWriter, r *http.Request) {
		for range proceed {
			return
		}
	}, func(p *peer) {
		proceed = make(chan struct{}, 10)
		for id := uint32(1); id <= 5; id += 2 {
			p.post(id, "/")
		}
		p.post(7, "/")
		p.wantsReset(7, http2.ErrCodeRefusedStream)
		p.data(7, false, "late")
		p.open(7, true, "late", "too")
		if got := p.of(7).resets; len(got) != 1 {
			t.Errorf("what came late was answered: %v", got)
		}
		p.reset(1) // its handler does not look
		p.post(9, "/")
		p.wantsReset(9, http2.ErrCodeRefusedStream)
		proceed <- struct{}{}
		time.Sleep(time.Second)
		p.post(11, "/")
		if a := p.of(11); len(a.resets) > 0 {
			t.Errorf("got %+v", a)
		}
		for range 3 {
			proceed <- struct{}{}
		}
		time.Sleep(time.Second)
		p.wantsOpen()
	})
}

// TestManyStreams answers many streams in turns of windows.
func TestManyStreams(t *testing.T) {
	bubble(t, h2.Config{}, sized, func(p *peer) {
		for id := uint32(1); id < 200; id += 2 {
			p.get(id, "/100000")
		}
		for range 100 {
			p.widen(0, 100000)
			for id := uint32(1); id < 200; id += 2 {
				if !p.of(id).ended && p.received(id) >= 65535 {
					p.widen(id, 40000)
				}
			}
		}
		for id := uint32(1); id < 200; id += 2 {
			p.wants(id, "200", strings.Repeat("\x00", 100000))
		}
	})
}
