package h2_test

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"

	"github.com/sepal-ml/sepal/services/internal/h2"
)

func (p *peer) wantsGoAways(want ...goAway) {
	p.t.Helper()
	_, got := p.state()
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(goAway{})); diff != "" {
		p.t.Errorf("goaways, expected and got:\n%s", diff)
	}
}

// TestDrain ends connections in two steps, and loses no request.
func TestDrain(t *testing.T) {
	const most = 1<<31 - 1
	echo := func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }
	run := func(name string, test func(p *peer, s *h2.Server)) {
		t.Run(name, func(t *testing.T) {
			silent(t, h2.Config{}, echo, func(p *peer, s *h2.Server) {
				go p.read()
				p.hello()
				test(p, s)
			})
		})
	}
	ended := func(p *peer, want bool) {
		p.t.Helper()
		synctest.Wait()
		if got, _ := p.state(); got != want {
			p.t.Errorf("ended: %t", got)
		}
	}
	run("idle", func(p *peer, s *h2.Server) {
		s.Drain()
		ended(p, false)
		p.wantsGoAways(goAway{most, 0})
		p.do(p.framer.WritePing(true, [8]byte{'g', 'o', 'o', 'd', 'b', 'y', 'e'}))
		p.wantsGoAways(goAway{most, 0}, goAway{0, 0})
		ended(p, true)
	})
	run("idle, and it does not answer", func(p *peer, s *h2.Server) {
		s.Drain()
		s.Drain()
		time.Sleep(time.Second)
		ended(p, true)
		p.wantsGoAways(goAway{most, 0}, goAway{0, 0})
	})
	run("busy", func(p *peer, s *h2.Server) {
		p.post(1, "/")
		s.Drain()
		p.post(3, "/")
		time.Sleep(10 * time.Second)
		p.wantsGoAways(goAway{most, 0}, goAway{3, 0})
		p.post(5, "/") // too late: not answered, not even by a reset
		for range 100 {
			p.data(5, false, "x")
		}
		p.data(5, true, "x")
		p.data(1, true, "one")
		ended(p, false)
		p.data(3, true, "three")
		p.wants(1, "200", "one")
		p.wants(3, "200", "three")
		ended(p, true)
		p.wantsGoAways(goAway{most, 0}, goAway{3, 0})
		if a := p.of(5); a.status != "" || len(a.resets) > 0 {
			p.t.Errorf("stream 5 got %+v", a)
		}
	})
	run("what is reset is waited for no longer", func(p *peer, s *h2.Server) {
		p.post(1, "/")
		s.Drain()
		time.Sleep(10 * time.Second)
		p.reset(1)
		ended(p, true)
	})
	run("a fault meanwhile", func(p *peer, s *h2.Server) {
		p.post(1, "/")
		s.Drain()
		time.Sleep(10 * time.Second)
		p.post(3, "/")
		p.get(1001, "/")
		p.do(p.framer.WriteContinuation(1, true, nil))
		p.wantsGoAways(goAway{most, 0}, goAway{1, 0}, goAway{1, http2.ErrCodeProtocol})
		p.wantsEnd(http2.ErrCodeProtocol)
	})
	run("the client goes", func(p *peer, _ *h2.Server) {
		p.post(1, "/")
		p.do(p.framer.WriteGoAway(0, 0, nil))
		time.Sleep(10 * time.Second)
		p.data(1, true, "one")
		p.wants(1, "200", "one")
		ended(p, true)
	})
}

// TestDrainBeforehand serves a connection that was accepted when the server was draining already.
func TestDrainBeforehand(t *testing.T) {
	silent(t, h2.Config{}, tell, func(p *peer, s *h2.Server) {
		synctest.Wait()
		s.Drain() // the connection above is there, and reads nothing
		go p.read()
		p.hello()
		p.get(1, "/")
		if a := p.of(1); a.status != "200" {
			t.Errorf("got %+v", a)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		p.wantsEnd(http2.ErrCodeNo)
	})
}
