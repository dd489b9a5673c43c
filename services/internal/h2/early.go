package h2

import (
	"math"
	"slices"
	"time"

	"golang.org/x/net/http2"
)

const (
	// earlyGrace is how long a client may go on sending a request that was answered before it had
	// arrived whole. Some clients, curl is one, fail and do not show the answer when they are stopped
	// meanwhile, and most have no more to send than is on its way.
	earlyGrace = time.Second
	// mostEarly is how many such requests of a connection are waited for; those of more are stopped
	// at once.
	mostEarly = 32
)

// early are the requests that were answered before they had arrived whole, in the order of their
// answers. They are guarded by the connection's mutex, and are none of its streams any more.
type early struct {
	streams []earlyStream
	timer   *time.Timer // nil: it was never needed
}

type earlyStream struct {
	id    uint32
	until int64
}

// answeredEarly lets the client end a request that is answered, or stop it later. Where headers end
// the answer it is stopped at once: clients of gRPC know that, and curl may miss such an end while it
// sends, and wait. mu must be held.
func (c *conn) answeredEarly(id uint32, trailed bool) {
	c.going.forget(id)
	e := &c.early
	if len(e.streams) == mostEarly || trailed {
		c.out.reset(id, http2.ErrCodeNo)
		return
	}
	e.streams = append(e.streams, earlyStream{id, clock() + int64(earlyGrace)})
	switch {
	case len(e.streams) > 1: // it runs
	case e.timer == nil:
		e.timer = time.AfterFunc(earlyGrace, c.stopEarly)
	default:
		e.timer.Reset(earlyGrace)
	}
}

// stopEarly tells the client to stop what it had time enough for.
func (c *conn) stopEarly() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := clock()
	c.stopUntil(now)
	if e := &c.early; len(e.streams) > 0 {
		e.timer.Reset(time.Duration(e.streams[0].until - now))
	}
	c.out.flushSoon()
}

// stopUntil tells the client to stop what it had time for until a moment. mu must be held.
func (c *conn) stopUntil(moment int64) {
	e, late := &c.early, 0
	for ; late < len(e.streams) && e.streams[late].until <= moment; late++ {
		c.out.reset(e.streams[late].id, http2.ErrCodeNo)
	}
	e.streams = slices.Delete(e.streams, 0, late)
}

// endEarly tells the client to stop, since the connection ends: some clients would go on sending for
// ever what they know to be answered. mu must be held.
func (c *conn) endEarly() {
	c.early.stop()
	c.stopUntil(math.MaxInt64)
}

// end notes that the client has sent all of a request, or takes it back.
func (e *early) end(id uint32) {
	e.streams = slices.DeleteFunc(e.streams, func(st earlyStream) bool { return st.id == id })
	if len(e.streams) == 0 {
		e.stop()
	}
}

func (e *early) stop() {
	if e.timer != nil {
		e.timer.Stop()
	}
}
