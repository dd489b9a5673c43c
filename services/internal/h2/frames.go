package h2

import (
	"errors"

	"golang.org/x/net/http2"
)

// take does what a frame asks for. An error is a fault of the connection, or an http2.StreamError.
func (c *conn) take(frame http2.Frame) error {
	if !c.settled {
		if f, ok := frame.(*http2.SettingsFrame); !ok || f.IsAck() {
			return fault{http2.ErrCodeProtocol, "the client's first frame is not that of its settings"}
		}
		c.settled = true
	}
	switch f := frame.(type) {
	case *http2.HeadersFrame:
		return c.takeHeaders(f)
	case *http2.ContinuationFrame:
		return c.takeContinuation(f)
	case *http2.DataFrame:
		return c.takeData(f)
	case *http2.WindowUpdateFrame:
		return c.takeWindowUpdate(f)
	case *http2.RSTStreamFrame:
		return c.takeReset(f)
	case *http2.SettingsFrame:
		return c.takeSettings(f)
	case *http2.PingFrame:
		return c.takePing(f)
	case *http2.PriorityFrame:
		return c.takePriority(f)
	case *http2.PushPromiseFrame:
		return fault{http2.ErrCodeProtocol, "a client must not push"}
	case *http2.GoAwayFrame:
		c.drain() // its requests in flight are answered all the same
		return c.charge(costFrame)
	default: // RFC 9113 section 5.5: kinds that are not known are passed over
		return c.charge(costFrame)
	}
}

// charge takes from the client's allowance for frames that carry nothing.
func (c *conn) charge(cost int) error {
	if c.spend(cost) {
		return nil
	}
	return calm("too many frames that carry nothing")
}

// spend takes some of the client's allowance and reports whether it was there: what it was sent has
// given some back.
func (c *conn) spend(cost int) bool {
	if c.ledger.spend(cost) {
		return true
	}
	c.mu.Lock()
	sent := c.out.sent
	c.out.sent = 0
	c.mu.Unlock()
	c.ledger.earnSent(sent)
	return c.ledger.spend(cost)
}

func (c *conn) takeSettings(f *http2.SettingsFrame) error {
	if f.IsAck() {
		return c.charge(costFrame)
	}
	if err := c.charge(costSettings + f.NumSettings()); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := f.ForeachSetting(c.set); err != nil {
		return err
	}
	c.out.settingsAck()
	c.out.flushSoon()
	return c.heeded()
}

// set takes one setting of the client's.
func (c *conn) set(s http2.Setting) error {
	if err := s.Valid(); err != nil {
		return err
	}
	switch s.ID { //nolint:exhaustive // the others are of no meaning to a server without push
	case http2.SettingHeaderTableSize:
		c.replies.limitTable(s.Val)
	case http2.SettingInitialWindowSize:
		change := int64(s.Val) - c.peerWindow
		c.peerWindow = int64(s.Val)
		for _, st := range c.streams {
			if st.sendable += change; st.sendable > maxWindow {
				return fault{http2.ErrCodeFlowControl, "a window is larger than it can be"}
			}
			st.wake.Broadcast()
		}
	}
	return nil
}

// heeded reports whether the client takes what its frames are answered with. mu must be held.
func (c *conn) heeded() error {
	if c.out.gathered() > controlLimit {
		return calm("the client takes no answers")
	}
	return nil
}

func (c *conn) takePing(f *http2.PingFrame) error {
	if f.IsAck() {
		c.pinged(f.Data)
		return c.charge(costFrame)
	}
	if err := c.charge(costFrame); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.ping(http2.FlagPingAck, f.Data)
	return c.heeded()
}

func (c *conn) takePriority(f *http2.PriorityFrame) error {
	if f.StreamDep == f.StreamID {
		return http2.StreamError{StreamID: f.StreamID, Code: http2.ErrCodeProtocol}
	}
	return c.charge(costFrame)
}

const (
	maxWindow = 1<<31 - 1
	// faintUpdate is a window that is hardly worth a frame.
	faintUpdate = 64
)

func (c *conn) takeWindowUpdate(f *http2.WindowUpdateFrame) error {
	cost := costFrame
	if f.Increment < faintUpdate && c.exhausted(f.StreamID) {
		cost = costFaint
	}
	if err := c.charge(cost); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.StreamID == 0 {
		stopped := c.sendable <= 0
		if c.sendable += int64(f.Increment); c.sendable > maxWindow {
			return fault{http2.ErrCodeFlowControl, "the connection's window is larger than it can be"}
		}
		if stopped && c.out.waiting > 0 {
			c.wakeAll()
		}
		return nil
	}
	st := c.streams[f.StreamID]
	if st == nil {
		return c.unknown(f.StreamID)
	}
	if st.sendable += int64(f.Increment); st.sendable > maxWindow {
		return http2.StreamError{StreamID: f.StreamID, Code: http2.ErrCodeFlowControl}
	}
	st.wake.Signal()
	return nil
}

// exhausted reports whether nothing more can be sent on a stream, or on the connection for an id of 0,
// until its window grows.
func (c *conn) exhausted(id uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id == 0 {
		return c.sendable <= 0
	}
	st := c.streams[id]
	return st != nil && st.sendable <= 0
}

// wakeAll lets the streams look that wait for room. mu must be held.
func (c *conn) wakeAll() {
	for _, st := range c.streams {
		st.wake.Broadcast()
	}
}

// unknown is the error of a frame for a stream that is not open: none where there was such a one.
// mu must be held.
func (c *conn) unknown(id uint32) error {
	if id%2 == 0 || id > c.lastID {
		return fault{http2.ErrCodeProtocol, "a frame is for a stream that was never opened"}
	}
	return nil
}

func (c *conn) takeReset(f *http2.RSTStreamFrame) error {
	c.mu.Lock()
	st := c.streams[f.StreamID]
	if st == nil {
		err := c.unknown(f.StreamID)
		c.early.end(f.StreamID)
		c.mu.Unlock()
		return errors.Join(err, c.charge(costFrame))
	}
	age := clock() - st.began
	st.close(http2.StreamError{StreamID: st.id, Code: f.ErrCode})
	c.mu.Unlock()
	if age < int64(rapid) && !c.spend(costRapid) {
		return calm("streams are opened and reset at once, again and again")
	}
	return nil
}

// resetStream breaks a stream off for a fault of the client's. What the client has sent for it
// meanwhile is passed over.
func (c *conn) resetStream(id uint32, code http2.ErrCode) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id <= c.lastID {
		c.going.forget(id)
	}
	if st := c.streams[id]; st != nil {
		st.close(http2.StreamError{StreamID: id, Code: code})
	}
	c.out.reset(id, code)
	c.out.flushSoon()
	return c.heeded()
}

// takeData gives a stream more of its body.
func (c *conn) takeData(f *http2.DataFrame) error {
	size := int64(f.Length) // with padding, which the windows count too
	p := f.Data()
	if len(p) > 0 || f.StreamEnded() {
		c.ledger.earn()
	} else if err := c.charge(costFrame); err != nil {
		return err
	}
	st, err := c.takePart(f, p, size)
	if err == nil && st != nil && (f.StreamEnded() || st.patient && st.received > mostShort) {
		c.start(st)
	}
	return err
}

// takePart finds the stream that a part of a body is for, and gives it to it.
func (c *conn) takePart(f *http2.DataFrame, p []byte, size int64) (*stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.receivable -= size; c.receivable < 0 {
		return nil, fault{http2.ErrCodeFlowControl, "the client sent more than the connection's window"}
	}
	st := c.streams[f.StreamID]
	if st != nil && !st.remoteClosed {
		return st, c.fill(st, p, size, f.StreamEnded())
	}
	c.giveBack(size)
	if f.StreamEnded() {
		c.early.end(f.StreamID)
	}
	if err := c.unknown(f.StreamID); err != nil || c.going.forgot(f.StreamID) {
		return nil, err
	}
	return nil, http2.StreamError{StreamID: f.StreamID, Code: http2.ErrCodeStreamClosed}
}

// fill appends to a stream's body what came in a frame of that size. mu must be held.
func (c *conn) fill(st *stream, p []byte, size int64, ended bool) error {
	if st.receivable -= size; st.receivable < 0 {
		c.giveBack(size)
		return http2.StreamError{StreamID: st.id, Code: http2.ErrCodeFlowControl}
	}
	st.received += int64(len(p))
	if st.declared >= 0 && (st.received > st.declared || ended && st.received < st.declared) {
		c.giveBack(size)
		return http2.StreamError{StreamID: st.id, Code: http2.ErrCodeProtocol}
	}
	if padding := size - int64(len(p)); padding > 0 {
		c.credit(st, padding)
	}
	if st.body.unread {
		c.giveBack(int64(len(p))) // the handler is done
	} else {
		st.body.append(p)
	}
	if ended {
		st.endBody()
	}
	st.readable.Broadcast()
	return nil
}

// giveBack lets the client send as much as was taken. mu must be held.
func (c *conn) giveBack(n int64) {
	if c.owed += n; c.owed >= connWindow/2 {
		c.out.windowUpdate(0, c.owed)
		c.receivable += c.owed
		c.owed = 0
		c.out.flushSoon()
	}
}

// credit is giveBack for the stream too. mu must be held.
func (c *conn) credit(st *stream, n int64) {
	c.giveBack(n)
	if st.remoteClosed {
		return
	}
	if st.owed += n; st.owed >= streamWindow/2 {
		c.out.windowUpdate(st.id, st.owed)
		st.receivable += st.owed
		st.owed = 0
		c.out.flushSoon()
	}
}
