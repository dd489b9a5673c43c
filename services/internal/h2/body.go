package h2

import (
	"io"
	"os"
	"sync"
	"time"
)

const (
	chunkSize = 16 << 10
	// smallBody is the size of the largest body that lies beside its stream.
	smallBody = 256
)

//nolint:gochecknoglobals // a pool is of use only if all share it
var chunks = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// chunk is a part of a body.
type chunk struct {
	memory *[chunkSize]byte // nil: that of the stream's own
	bytes  []byte           // what was appended and not read yet
}

// body is what has arrived of a request and was not read yet. It is guarded by the mutex of the
// connection.
type body struct {
	small  [smallBody]byte
	chunks []chunk
	first  [1]chunk // what chunks begins as
	err    error    // what follows the last byte; nil: more may come
	unread bool     // nobody reads any more
}

func (b *body) append(p []byte) {
	for len(p) > 0 {
		last := len(b.chunks) - 1
		if last < 0 || len(b.chunks[last].bytes) == cap(b.chunks[last].bytes) {
			b.grow(len(p))
			last++
		}
		c := &b.chunks[last]
		n := min(len(p), cap(c.bytes)-len(c.bytes))
		c.bytes = append(c.bytes, p[:n]...)
		p = p[n:]
	}
}

// grow adds a chunk; n bytes are to come.
func (b *body) grow(n int) {
	if b.chunks == nil {
		b.chunks = b.first[:0]
		if n <= smallBody {
			b.chunks = append(b.chunks, chunk{bytes: b.small[:0]})
			return
		}
	}
	memory, _ := chunks.Get().(*[chunkSize]byte)
	b.chunks = append(b.chunks, chunk{memory: memory, bytes: memory[:0]})
}

// take copies to p what is there, and returns how much.
func (b *body) take(p []byte) (n int) {
	for len(b.chunks) > 0 && n < len(p) {
		c := &b.chunks[0]
		m := copy(p[n:], c.bytes)
		n += m
		if c.bytes = c.bytes[m:]; len(c.bytes) == 0 && (cap(c.bytes) == 0 || len(b.chunks) > 1 || b.err != nil) {
			b.dropFirst()
		} else if len(c.bytes) == 0 {
			break // it has room left for what is to come
		}
	}
	return n
}

func (b *body) dropFirst() {
	if m := b.chunks[0].memory; m != nil {
		chunks.Put(m)
	}
	b.chunks[0] = chunk{}
	b.chunks = b.chunks[1:]
}

// drop lets everything go and returns how much that was.
func (b *body) drop() (n int64) {
	for len(b.chunks) > 0 {
		n += int64(len(b.chunks[0].bytes))
		b.dropFirst()
	}
	return n
}

// requestBody is the body of a request, for its handler.
type requestBody struct{ st *stream }

// Read waits for more of the body. It returns what is there before any error: io.EOF at its end,
// os.ErrDeadlineExceeded after the read deadline, an http2.StreamError where the stream was reset.
func (r requestBody) Read(p []byte) (int, error) {
	st, c := r.st, r.st.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case st.body.unread:
			return 0, errBodyClosed
		case len(p) == 0:
			return 0, nil
		case st.readLate:
			return 0, os.ErrDeadlineExceeded
		}
		if n := st.body.take(p); n > 0 {
			c.credit(st, int64(n))
			if st.body.err == io.EOF && len(st.body.chunks) == 0 { //nolint:errorlint // it is never wrapped
				return n, io.EOF
			}
			return n, nil
		}
		if st.body.err != nil {
			return 0, st.body.err
		}
		if st.expects {
			st.expects = false
			c.replies.begin(statusContinue)
			c.out.headers(st.id, c.replies.block(), false)
			c.out.flushSoon()
		}
		st.readable.Wait()
	}
}

// Close drops what is left of the body.
func (r requestBody) Close() error {
	c := r.st.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	r.st.ignoreBody()
	return nil
}

// deadline is a moment that a timer waits for; its fields are guarded by the mutex of the
// connection.
type deadline struct {
	timer *time.Timer
	turn  int // counts the moments, so that one that was replaced has no effect
}

// set calls passed, with mu held, at the moment t: at once if it has passed. A zero t is never.
func (d *deadline) set(c *conn, t time.Time, passed func(late bool)) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.turn++
	left := time.Until(t)
	if t.IsZero() || left > 0 {
		passed(false)
	}
	switch turn := d.turn; {
	case t.IsZero():
	case left <= 0:
		passed(true)
	default:
		d.timer = time.AfterFunc(left, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			if d.turn == turn {
				passed(true)
			}
		})
	}
}
