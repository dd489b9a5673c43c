package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// freshPatience is how long stopping waits for the first request of connections that are
	// open already. A client that connects ahead of its needs may never send one.
	freshPatience = 500 * time.Millisecond
	// freshMoment is how long a connection that has just turned active may take until it has taken
	// up its request: next to nothing, but on a machine that is starved of CPU.
	freshMoment = 100 * time.Millisecond
	freshPoll   = 5 * time.Millisecond
)

// fresh counts the connections on which no request has begun. http.Server.Shutdown drops the
// first request of such a connection unanswered, so they are waited for before it is called.
type fresh struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
	begun time.Time // when the last of them was fresh no more
}

// track is an http.Server.ConnState.
func (f *fresh) track(c net.Conn, state http.ConnState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if state != http.StateNew {
		if _, was := f.conns[c]; was {
			delete(f.conns, c)
			f.begun = time.Now()
		}
		return
	}
	if f.conns == nil {
		f.conns = make(map[net.Conn]struct{})
	}
	f.conns[c] = struct{}{}
}

// settled reports whether there is no fresh connection, and was none a moment ago.
func (f *fresh) settled() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.conns) == 0 && time.Since(f.begun) >= freshMoment
}

// close closes the connections on which still no request has begun.
func (f *fresh) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		_ = c.Close() // nothing was said on it that closing could lose
	}
}

// wait returns when there is no fresh connection, and none that has just turned active and may not
// yet have taken up its request, or when patience or ctx has ended.
func (f *fresh) wait(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, freshPatience)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(freshPoll):
		}
		if f.settled() {
			return
		}
	}
}
