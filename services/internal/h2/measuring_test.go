package h2_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sepal-ml/sepal/services/internal/h2"
)

// TestClientsThatMeasureAreNoFlood answers each frame of a long body as clients of gRPC do, which
// measure by pings how much is on its way: that is no flood, however fast it goes. Time stands still.
func TestClientsThatMeasureAreNoFlood(t *testing.T) {
	const frames, size = 5000, 300
	var next chan struct{}
	trickle := func(w http.ResponseWriter, _ *http.Request) {
		for range next {
			if _, err := w.Write(make([]byte, size)); err != nil {
				return
			}
			flush(w)
		}
	}
	bubble(t, h2.Config{}, trickle, func(p *peer) {
		next = make(chan struct{}) // of the bubble
		p.get(1, "/")
		for range frames {
			next <- struct{}{}
			p.widen(0, size)
			p.widen(1, size)
			p.do(p.framer.WritePing(false, [8]byte{}))
		}
		close(next)
		synctest.Wait()
		p.wants(1, "200", strings.Repeat("\x00", frames*size))
		p.wantsOpen()
	})
}
