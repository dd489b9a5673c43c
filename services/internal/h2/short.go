package h2

import (
	"cmp"
	"crypto/tls"
	"net/http"
	"slices"
	"time"

	"golang.org/x/net/http2/hpack"
)

// Short answers requests where they are read, without a goroutine, an http.Request and a handler.
// What it does must not block and take microseconds: the connection waits for it.
type Short interface {
	// Takes reports whether requests of a method POST for a path may be answered so.
	Takes(path string) bool
	// Answer answers a request that has arrived whole. It returns false where the handler has to, and
	// must not have done anything then that the handler does again. Nothing of the request or the
	// reply may be kept, but for strings.
	Answer(request *ShortRequest, reply *Reply) bool
}

// ShortRequest is a request as it arrived.
type ShortRequest struct {
	Fields     []hpack.HeaderField // names are in lower case, and may repeat
	Body       []byte
	RemoteAddr string
	TLS        *tls.ConnectionState
	Arrived    time.Time // when the header was read
}

// Field is a field of a header or trailer; its name is in lower case.
type Field struct{ Name, Value string }

// Block is a list of fields that is part of many replies. Make one with [NewBlock].
type Block struct{ fields []Field }

// NewBlock returns a block of the fields.
func NewBlock(fields ...Field) *Block { return &Block{fields: fields} }

// Reply is the answer to a request. Its slices are empty, with room that is used again. A Date is
// added to the header.
type Reply struct {
	Status  int    // 0: 200
	Common  *Block // what of the header other replies have too; it may be nil, and so may Trailer
	Header  []Field
	Body    []byte
	Trailer *Block
}

const (
	// mostShort is the size of the largest body that is answered so.
	mostShort = chunkSize
	// keptReply is the capacity of the largest reply whose memory is used again.
	keptReply = 64 << 10
)

// shortcut is what a connection needs to answer requests so. It is the reader's own.
type shortcut struct {
	request ShortRequest
	reply   Reply
	spare   *stream // one that no handler has seen
}

// mayBeShort reports whether a request may be answered so when its body is there. It is worth waiting
// for, since most clients send it in a packet of its own.
func (c *conn) mayBeShort(st *stream) bool {
	short := c.server.config.Short
	if short == nil || st.head.method != http.MethodPost || st.head.status != 0 || st.head.length > mostShort || !short.Takes(st.head.path) {
		return false
	}
	for _, f := range st.head.fields {
		if f.Name == "expect" {
			return false
		}
	}
	return true
}

// shortPatience is how long a body is waited for before its handler begins, which knows how long to
// wait for the rest; at least as long, and until the watch looks again.
const shortPatience = 2 * time.Second

// startLate runs the handlers of streams whose bodies were waited for in vain.
func (c *conn) startLate() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, st := range c.streams {
		if st.waits && st.patient && clock()-st.began > int64(shortPatience) {
			st.waits = false
			c.running++
			go c.server.stacks.Go(st)
		}
	}
}

// answerShort answers the request of a stream that has arrived whole, if that can be done so.
func (c *conn) answerShort(st *stream) bool {
	if !st.patient || len(st.body.chunks) != 1 {
		return false
	}
	s := &c.shortcut
	s.request = ShortRequest{
		Fields:     st.head.fields,
		Body:       st.body.chunks[0].bytes,
		RemoteAddr: c.remote,
		TLS:        c.tls,
		Arrived:    epoch.Add(time.Duration(st.began)),
	}
	s.reply.empty()
	if !c.server.config.Short.Answer(&s.request, &s.reply) {
		return false
	}
	c.send(st)
	return true
}

func (r *Reply) empty() {
	if cap(r.Body) > keptReply {
		r.Body = nil
	}
	*r = Reply{Header: r.Header[:0], Body: r.Body[:0]}
}

// send sends the reply to a stream, at once where there is room for it.
func (c *conn) send(st *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &c.shortcut.reply
	n := int64(len(r.Body))
	if n > min(st.sendable, c.sendable) || c.out.full() {
		kept := *r
		kept.Header, kept.Body = slices.Clone(r.Header), slices.Clone(r.Body)
		st.reply = &kept
		c.running++
		go st.sendReply()
		return
	}
	c.sendHead(st, r, c.date)
	for p := r.Body; len(p) > 0; {
		part := min(len(p), maxFrame)
		c.out.data(st.id, p[:part], part == len(p) && r.Trailer == nil)
		p = p[part:]
	}
	c.sendable -= n
	c.sendTrailer(st, r)
	c.giveBack(st.body.drop())
	delete(c.streams, st.id)
	if c.going.final {
		c.quitIfDone()
	}
	c.keep(st)
}

func (c *conn) sendHead(st *stream, r *Reply, date string) {
	c.replies.beginCommon(cmp.Or(r.Status, http.StatusOK), r.Common, date)
	for _, f := range r.Header {
		c.replies.field(f.Name, f.Value)
	}
	c.out.headers(st.id, c.replies.block(), len(r.Body) == 0 && r.Trailer == nil)
}

func (c *conn) sendTrailer(st *stream, r *Reply) {
	if r.Trailer == nil {
		return
	}
	c.replies.beginCommon(0, r.Trailer, "")
	c.out.headers(st.id, c.replies.block(), true)
}

// sendReply sends a reply for which there was no room, when there is.
func (st *stream) sendReply() {
	c := st.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if st.failure == nil {
		c.sendHead(st, st.reply, c.server.dateNow(time.Now()))
		if len(st.reply.Body) == 0 || st.write(st.reply.Body, st.reply.Trailer == nil) == nil {
			c.sendTrailer(st, st.reply)
		}
	}
	st.done()
}

// keep lets the memory of a stream be used again that no handler has seen.
func (c *conn) keep(st *stream) {
	clear(st.head.store[:])
	c.shortcut.spare = st
}

// reuse returns the stream that was kept as a new one, or nil.
func (c *conn) reuse(id uint32) *stream {
	st := c.shortcut.spare
	if st == nil {
		return nil
	}
	c.shortcut.spare = nil
	st.id, st.began, st.empty = id, c.now, false
	st.head.method, st.head.scheme, st.head.authority, st.head.path = "", "", "", ""
	st.head.url, st.head.fields, st.head.length, st.head.status = nil, nil, -1, 0
	st.body.chunks, st.body.first, st.body.err, st.body.unread = nil, [1]chunk{}, nil, false
	st.trailers, st.declared, st.received, st.receivable, st.owed = nil, -1, 0, streamWindow, 0
	st.remoteClosed, st.localClosed, st.failure = false, false, nil
	return st
}
