package h2_test

import (
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/sepal-ml/sepal/services/internal/h2"
)

func sayNo(w http.ResponseWriter, _ *http.Request) { say(w, "no") }

// TestEarlyAnswer answers before the body has arrived: the client is told to stop in the end, once,
// and what it sends meanwhile is no fault, neither DATA nor trailers.
func TestEarlyAnswer(t *testing.T) {
	const last = 400
	bubble(t, h2.Config{}, sayNo, func(p *peer) {
		for id := uint32(1); id < last; id += 2 {
			p.post(id, "/")
		}
		stopped := 0
		for id := uint32(1); id < last; id += 2 {
			a := p.of(id)
			if string(a.body) != "no" || !a.ended {
				t.Fatalf("stream %d: %+v", id, a)
			}
			stopped += len(a.resets)
		}
		if waiting := last/2 - stopped; waiting != 32 {
			t.Errorf("%d requests are waited for, expected 32", waiting)
		}
		time.Sleep(1100 * time.Millisecond)
		for id := uint32(1); id < last; id += 2 {
			p.data(id, false, "late")
			p.open(id, true, "x", "late too")
			p.wantsReset(id, http2.ErrCodeNo)
		}
		time.Sleep(time.Minute)
		p.wantsOpen()
		p.wantsReset(1, http2.ErrCodeNo)
	})
}

// TestEarlyAnswerWithTrailers answers as gRPC does: the client is stopped at once.
func TestEarlyAnswerWithTrailers(t *testing.T) {
	bubble(t, h2.Config{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "12")
	}, func(p *peer) {
		p.post(1, "/")
		p.wantsReset(1, http2.ErrCodeNo)
		p.data(1, true, "late")
		p.wantsOpen()
	})
}

// TestEarlyAnswerAtTheEnd ends the connection while a client still sends what was answered.
func TestEarlyAnswerAtTheEnd(t *testing.T) {
	silent(t, h2.Config{}, sayNo, func(p *peer, s *h2.Server) {
		go p.read()
		p.hello()
		p.post(1, "/")
		p.wants(1, "200", "no")
		s.Drain()
		p.do(p.framer.WritePing(true, [8]byte{'g', 'o', 'o', 'd', 'b', 'y', 'e'}))
		p.wantsEnd(http2.ErrCodeNo)
		p.wantsReset(1, http2.ErrCodeNo)
	})
}

// TestEarlyAnswerLetsTheClientEnd sends the rest of a request right behind its answer: the client need
// not be told to stop, and some would take that for a failure.
func TestEarlyAnswerLetsTheClientEnd(t *testing.T) {
	for name, end := range map[string]func(p *peer, id uint32){
		"data":              func(p *peer, id uint32) { p.data(id, true, "x") },
		"nothing":           func(p *peer, id uint32) { p.data(id, true, "") },
		"trailers":          func(p *peer, id uint32) { p.open(id, true, "x", "y") },
		"it takes it back":  func(p *peer, id uint32) { p.reset(id) },
		"in several pieces": func(p *peer, id uint32) { p.data(id, false, "x"); p.data(id, false, "y"); p.data(id, true, "z") },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, h2.Config{}, sayNo, func(p *peer) {
				const first, second, third = 1, 3, 5
				p.post(first, "/")
				p.wants(first, "200", "no")
				time.Sleep(800 * time.Millisecond)
				end(p, first)
				p.post(second, "/") // its time begins anew
				time.Sleep(800 * time.Millisecond)
				p.post(third, "/")
				p.wants(second, "200", "no")
				time.Sleep(300 * time.Millisecond)
				p.data(third, false, "x")
				p.wants(first, "200", "no")
				p.wantsReset(second, http2.ErrCodeNo)
				p.wants(third, "200", "no")
				time.Sleep(800 * time.Millisecond)
				p.data(third, false, "x")
				p.wantsReset(third, http2.ErrCodeNo)
				time.Sleep(time.Minute)
				p.wants(first, "200", "no")
				p.wantsOpen()
			})
		})
	}
}
