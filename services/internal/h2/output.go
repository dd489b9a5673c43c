package h2

import (
	"encoding/binary"
	"runtime"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

const (
	// gatherLimit is how much waits to be written before handlers wait too.
	gatherLimit = 64 << 10
	// controlLimit is how much waits to be written before a client that takes nothing, and has the
	// server answer what asks for no stream, is cut off.
	controlLimit = 2 * gatherLimit
	// keptBuffer is the capacity of the largest buffer that is used again.
	keptBuffer = 96 << 10
	// directWrite is how much the reader writes out itself.
	directWrite = 16 << 10
)

//nolint:gochecknoglobals // a pool is of use only if all share it
var writeBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// output gathers frames, and has them written out by a goroutine that runs only while there are
// some. Its fields are guarded by the mutex of its connection, which its methods expect to be held
// unless they say otherwise.
type output struct {
	conn     *conn
	pending  *[]byte
	flushing bool      // somebody writes
	began    time.Time // when what is being written was begun, zero while nothing is
	sent     int       // frames of bodies that no window has made tiny, since the ledger was told, the large ones more than once
	waiting  int       // streams that wait for room or for the connection's window
	idle     sync.Cond // nobody writes any more
	flush    func()
	err      error
}

func (o *output) init(c *conn) {
	o.conn = c
	o.idle.L = &c.mu
	o.flush = o.flushAll
}

// buffer returns what to append frames to.
func (o *output) buffer() *[]byte {
	if o.pending == nil {
		o.pending, _ = writeBuffers.Get().(*[]byte)
	}
	return o.pending
}

func putBuffer(b *[]byte) {
	if cap(*b) <= keptBuffer {
		*b = (*b)[:0]
		writeBuffers.Put(b)
	}
}

func (o *output) gathered() int {
	if o.pending == nil {
		return 0
	}
	return len(*o.pending)
}

// full reports whether handlers have to wait.
func (o *output) full() bool { return o.gathered() >= gatherLimit }

// flushSoon has what is gathered written out.
func (o *output) flushSoon() {
	if !o.flushing && o.gathered() > 0 && o.err == nil {
		o.flushing = true
		go o.flush()
	}
}

// flushAll is the flusher. It lets the goroutines that are ready go first, once: they are what an
// answer is still written by, and other answers. mu must not be held.
func (o *output) flushAll() {
	runtime.Gosched()
	o.conn.mu.Lock()
	defer o.conn.mu.Unlock()
	o.writeOut()
}

// writeOut writes until nothing is gathered. It lets mu go meanwhile.
func (o *output) writeOut() {
	o.flushing = true
	for o.gathered() > 0 && o.err == nil {
		o.writeOnce()
	}
	o.flushing = false
	o.idle.Broadcast()
}

// writeOnce writes what is gathered now. It lets mu go meanwhile.
func (o *output) writeOnce() {
	b := o.pending
	o.pending = nil
	if o.waiting > 0 {
		o.conn.wakeAll()
	}
	o.began = time.Now()
	o.conn.mu.Unlock()
	err := writeParts(o.conn, *b)
	putBuffer(b)
	o.conn.mu.Lock()
	o.began = time.Time{}
	if err != nil {
		o.fail(err)
	}
}

// writeParts writes p in parts, so that a client which takes some of it in time is not cut off.
func writeParts(c *conn, p []byte) error {
	for len(p) > gatherLimit {
		if _, err := c.net.Write(p[:gatherLimit]); err != nil {
			return err
		}
		p = p[gatherLimit:]
		c.mu.Lock()
		c.out.began = time.Now()
		c.mu.Unlock()
	}
	_, err := c.net.Write(p)
	return err
}

// fail notes that nothing can be written any more, and ends reading.
func (o *output) fail(err error) {
	if o.err != nil {
		return
	}
	o.err = err
	o.drop()
	o.conn.abandon(errGone)
	_ = o.conn.net.SetReadDeadline(time.Unix(0, 1)) // what cannot be answered need not be read
}

func (o *output) drop() {
	if o.pending != nil {
		putBuffer(o.pending)
		o.pending = nil
	}
}

// settle sends what is gathered, before the reader waits. It reports whether there are requests. The
// reader writes out a little itself, but not while bodies are on their way: a client that does not
// read until it has sent one would wait for ever. mu must not be held.
func (o *output) settle() (busy bool) {
	o.conn.mu.Lock()
	defer o.conn.mu.Unlock()
	if !o.flushing {
		switch n := o.gathered(); {
		case n > directWrite || o.conn.sending > 0:
			o.flushSoon()
		case n > 0: // once: handlers may go on to write for long, and the reader has to read
			o.flushing = true
			o.writeOnce()
			o.flushing = false
			o.idle.Broadcast()
			o.flushSoon()
		}
	}
	return len(o.conn.streams) > 0
}

// finish waits until everything is written, or cannot be, and reports whether it is. Nothing is
// written from then on.
func (o *output) finish() bool {
	o.flushSoon()
	for o.flushing {
		o.idle.Wait()
	}
	o.drop()
	all := o.err == nil
	if all {
		o.err = errGone
	}
	return all
}

// stuck returns how long the write under way has taken. mu must not be held.
func (o *output) stuck(now time.Time) time.Duration {
	o.conn.mu.Lock()
	defer o.conn.mu.Unlock()
	if o.began.IsZero() {
		return 0
	}
	return now.Sub(o.began)
}

// frame appends the header of a frame with a payload of n bytes, which the caller appends.
func (o *output) frame(n int, kind http2.FrameType, flags http2.Flags, id uint32) *[]byte {
	b := o.buffer()
	*b = append(*b, byte(n>>16), byte(n>>8), byte(n), byte(kind), byte(flags), byte(id>>24), byte(id>>16), byte(id>>8), byte(id))
	return b
}

func (o *output) data(id uint32, p []byte, end bool) {
	flags := http2.Flags(0)
	if end {
		flags = http2.FlagDataEndStream
	}
	b := o.frame(len(p), http2.FrameData, flags, id)
	*b = append(*b, p...)
}

// headers appends a header block, in as many frames as the client's limit asks for.
func (o *output) headers(id uint32, block []byte, end bool) {
	flags := http2.Flags(0)
	if end {
		flags = http2.FlagHeadersEndStream
	}
	kind := http2.FrameHeaders
	for {
		n := min(len(block), maxFrame)
		if n == len(block) {
			flags |= http2.FlagHeadersEndHeaders
		}
		b := o.frame(n, kind, flags, id)
		*b = append(*b, block[:n]...)
		if block = block[n:]; len(block) == 0 {
			return
		}
		kind, flags = http2.FrameContinuation, 0
	}
}

func (o *output) settings(settings ...http2.Setting) {
	const size = 6
	b := o.frame(size*len(settings), http2.FrameSettings, 0, 0)
	for _, s := range settings {
		*b = binary.BigEndian.AppendUint16(*b, uint16(s.ID))
		*b = binary.BigEndian.AppendUint32(*b, s.Val)
	}
}

func (o *output) settingsAck() { o.frame(0, http2.FrameSettings, http2.FlagSettingsAck, 0) }

func (o *output) ping(flags http2.Flags, data [8]byte) {
	b := o.frame(len(data), http2.FramePing, flags, 0)
	*b = append(*b, data[:]...)
}

func (o *output) word(kind http2.FrameType, id, value uint32) {
	b := o.frame(4, kind, 0, id)
	*b = binary.BigEndian.AppendUint32(*b, value)
}

func (o *output) windowUpdate(id uint32, n int64) { o.word(http2.FrameWindowUpdate, id, uint32(n)) }

func (o *output) reset(id uint32, code http2.ErrCode) {
	o.word(http2.FrameRSTStream, id, uint32(code))
}

func (o *output) goAway(last uint32, code http2.ErrCode, text string) {
	b := o.frame(8+len(text), http2.FrameGoAway, 0, 0)
	*b = binary.BigEndian.AppendUint32(*b, last)
	*b = binary.BigEndian.AppendUint32(*b, uint32(code))
	*b = append(*b, text...)
}
