package h2_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sepal-ml/sepal/services/internal/h2"
)

// quick answers on the short path what comes to /quick, with as many bytes as the body says.
type quick struct{}

func (quick) Takes(path string) bool { return path == "/quick" }

func (quick) Answer(request *h2.ShortRequest, reply *h2.Reply) bool {
	n, err := strconv.Atoi(string(request.Body))
	if err != nil {
		return false
	}
	reply.Header = append(reply.Header, h2.Field{Name: "x-short", Value: "yes"})
	reply.Body = append(reply.Body, make([]byte, n)...)
	return true
}

// TestShort answers on the short path, and by the handler what that does not take.
func TestShort(t *testing.T) {
	config := h2.Config{Short: quick{}}
	handler := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		mustNot(err != nil)
		say(w, "long"+string(body))
	}
	run := func(name string, test func(p *peer)) {
		t.Run(name, func(t *testing.T) { bubble(t, config, handler, test) })
	}
	run("whole", func(p *peer) {
		for id := uint32(1); id < 1000; id += 6 {
			p.post(id, "/quick")
			p.post(id+2, "/other")
			p.data(id, true, "7")
			p.data(id+2, true, "7")
			p.wants(id, "200", strings.Repeat("\x00", 7))
			p.wants(id+2, "200", "long7")
			p.post(id+4, "/quick")
			p.data(id+4, true, "x")
			p.wants(id+4, "200", "longx")
		}
		p.wantsOpen()
	})
	run("malformed in between", func(p *peer) {
		p.post(1, "/quick")
		p.data(1, true, "7")
		p.post(3, "/other", "X", "y")
		p.post(5, "/quick", "content-length", "2")
		p.data(5, true, "7")
		p.post(7, "/quick")
		p.data(7, true, "5")
		p.wants(7, "200", strings.Repeat("\x00", 5))
		if a := p.of(3); a.status != "" {
			p.t.Errorf("got %+v", a)
		}
	})
	run("in pieces, with trailers", func(p *peer) {
		p.post(1, "/quick")
		p.data(1, false, "1")
		p.data(1, false, "2")
		p.open(1, true, "x", "y")
		p.wants(1, "200", strings.Repeat("\x00", 12))
	})
	run("more than the windows", func(p *peer) {
		p.post(1, "/quick")
		p.data(1, true, "100000")
		p.post(3, "/quick")
		p.data(3, true, "100000")
		for range 200 {
			p.widen(0, 1000)
		}
		p.widen(1, 100000)
		p.widen(3, 100000)
		p.wants(1, "200", strings.Repeat("\x00", 100000))
		p.wants(3, "200", strings.Repeat("\x00", 100000))
	})
	run("a body that is too large", func(p *peer) {
		body := strings.Repeat("x", 10000)
		p.post(1, "/quick")
		p.widen(0, 6_000_000)
		p.widen(1, 6_000_000)
		for range 500 {
			p.data(1, false, body)
		}
		p.data(1, true, "")
		p.wants(1, "200", "long"+strings.Repeat(body, 500))
	})
	run("a body that does not come", func(p *peer) {
		p.post(1, "/quick")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		p.data(1, true, "7")
		p.wants(1, "200", "long7")
	})
	run("resets while it waits", func(p *peer) {
		body := strings.Repeat("x", 15000)
		for id := uint32(1); id < 400; id += 2 {
			p.post(id, "/quick")
			p.data(id, false, body)
			time.Sleep(time.Second)
			p.reset(id)
		}
		p.post(401, "/quick")
		p.data(401, true, "7")
		p.wants(401, "200", strings.Repeat("\x00", 7))
		p.wantsOpen()
	})
}
