package h2_test

import (
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/sepal-ml/sepal/services/internal/h2"
)

// TestFloods cuts clients off that ask for work and send nothing of use.
func TestFloods(t *testing.T) {
	for name, send := range map[string]func(p *peer, id uint32) error{
		"pings":       func(p *peer, _ uint32) error { return p.framer.WritePing(false, [8]byte{}) },
		"ping acks":   func(p *peer, _ uint32) error { return p.framer.WritePing(true, [8]byte{}) },
		"settings":    func(p *peer, _ uint32) error { return p.framer.WriteSettings() },
		"acks":        func(p *peer, _ uint32) error { return p.framer.WriteSettingsAck() },
		"priorities":  func(p *peer, id uint32) error { return p.framer.WritePriority(id, http2.PriorityParam{}) },
		"empty data":  func(p *peer, _ uint32) error { return p.framer.WriteData(1, false, nil) },
		"padding":     func(p *peer, _ uint32) error { return p.framer.WriteDataPadded(1, false, nil, make([]byte, 200)) },
		"updates":     func(p *peer, _ uint32) error { return p.framer.WriteWindowUpdate(0, 100) },
		"unknown":     func(p *peer, _ uint32) error { return p.framer.WriteRawFrame(99, 0, 0, nil) },
		"goaways":     func(p *peer, _ uint32) error { return p.framer.WriteGoAway(0, 0, nil) },
		"lone resets": func(p *peer, _ uint32) error { return p.framer.WriteRSTStream(1, 0) },
		"rapid resets": func(p *peer, id uint32) error {
			if err := p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.encode(request("GET", "/")...), EndStream: true, EndHeaders: true}); err != nil {
				return err
			}
			return p.framer.WriteRSTStream(id, http2.ErrCodeCancel)
		},
		"malformed requests": func(p *peer, id uint32) error {
			return p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.encode("x", "y"), EndStream: true, EndHeaders: true})
		},
		"windows of a byte": func(p *peer, _ uint32) error { return p.framer.WriteWindowUpdate(1, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			silent(t, h2.Config{}, func(w http.ResponseWriter, r *http.Request) {
				_, _ = w.Write(make([]byte, 1<<20)) // it is reset
				<-r.Context().Done()
			}, func(p *peer, _ *h2.Server) {
				go p.read()
				p.hello(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
				p.post(1, "/")
				n := uint32(0)
				for n < 20000 && send(p, 3+2*n) == nil {
					n++
					if n%16 == 0 {
						synctest.Wait()
					}
				}
				synctest.Wait()
				p.wantsEnd(http2.ErrCodeEnhanceYourCalm)
				if n < 100 || n > 5000 {
					t.Errorf("cut off after %d", n)
				}
			})
		})
	}
}

// TestBusyClientsAreNotFloods lets clients do what those of gRPC do: a ping, and updates of both
// windows, for each part of a body that they are sent, or many for a large one.
func TestBusyClientsAreNotFloods(t *testing.T) {
	for name, test := range map[string]struct{ size, part, times int }{
		"small messages": {10, 10, 5000},
		"tiny messages":  {1, 1, 5000},
		"large parts":    {16 << 10, 4 << 10, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, h2.Config{}, func(w http.ResponseWriter, r *http.Request) {
				message := make([]byte, test.size)
				for one := make([]byte, 1); ; flush(w) {
					if _, err := r.Body.Read(one); err != nil {
						return
					}
					say(w, string(message))
				}
			}, func(p *peer) {
				p.post(1, "/")
				for sent := range test.times {
					before := p.received(1)
					p.data(1, false, "x")
					if got := p.received(1) - before; got != test.size {
						t.Fatalf("message %d: %d bytes; %s", sent, got, p.log.String())
					}
					for range test.size / test.part {
						p.widen(1, uint32(test.part))
						p.widen(0, uint32(test.part))
					}
					p.do(p.framer.WritePing(false, [8]byte{}))
				}
				p.wantsOpen()
			})
		})
	}
}

// TestDeaf shows how much is kept for a client that asks and never reads: it is cut off, or nothing
// more is read of it.
func TestDeaf(t *testing.T) {
	handlers := map[string]http.HandlerFunc{
		"empty answers": func(http.ResponseWriter, *http.Request) {},
		"large headers": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 10<<10)) },
		"bodies":        func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 10<<10)) },
		"hints": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				w.WriteHeader(http.StatusEarlyHints)
			}
		},
	}
	for name, handler := range handlers {
		t.Run(name, func(t *testing.T) {
			silent(t, h2.Config{}, handler, func(p *peer, _ *h2.Server) {
				pipe := &counted{Conn: p.conn}
				p.framer = http2.NewFramer(pipe, nil)
				go func() { // until it is cut off
					defer func() { pipe.over.Store(true) }()
					if _, err := pipe.Write([]byte(http2.ClientPreface)); err != nil {
						return
					}
					if err := p.framer.WriteSettings(); err != nil {
						return
					}
					for id := uint32(1); id < 2_000_000; id += 2 {
						if err := p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.encode(request("GET", "/")...), EndStream: true, EndHeaders: true}); err != nil {
							return
						}
					}
				}()
				synctest.Wait()
				if n := pipe.n.Load(); n > 1<<20 {
					t.Errorf("%d bytes of requests were read", n)
				}
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				if !pipe.over.Load() {
					t.Error("the client is not cut off")
				}
			})
		})
	}
}

// counted counts what is written.
type counted struct {
	net.Conn
	n    atomic.Int64
	over atomic.Bool
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.n.Add(int64(n))
	return n, err
}
