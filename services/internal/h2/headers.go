package h2

import (
	"io"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	tableSize = 4096 // of HPACK's dynamic table, the default of RFC 9113 section 6.5.2
	// maxContinuations is how many frames may follow the first of a header block. Four hold the
	// largest list that a client is told it may send.
	maxContinuations = 32
	// blockSlack is how much larger than its list a header block may be.
	blockSlack = 4 << 10
)

// headerReader decodes header blocks, one at a time.
type headerReader struct {
	decoder *hpack.Decoder
	limit   int

	open          bool // more of a block is to come
	id            uint32
	ends          bool          // the stream ends with this block
	flaw          http2.ErrCode // of the frame that began the block; NO_ERROR: none
	continuations int
	bytes         int // of the block
	size          int // of the list
	fields        []hpack.HeaderField
	tooLarge      bool
}

func (h *headerReader) init(limit int) {
	h.limit = limit
	h.decoder = hpack.NewDecoder(tableSize, h.emit)
	h.decoder.SetMaxStringLength(limit)
}

func (h *headerReader) emit(f hpack.HeaderField) {
	if h.size += int(f.Size()); h.size > h.limit {
		h.tooLarge = true
		h.decoder.SetEmitEnabled(false) // the table is still kept up
		return
	}
	h.fields = append(h.fields, f)
}

func (h *headerReader) begin(f *http2.HeadersFrame) {
	h.open, h.id, h.ends, h.flaw = true, f.StreamID, f.StreamEnded(), http2.ErrCodeNo
	if f.HasPriority() && f.Priority.StreamDep == f.StreamID {
		h.flaw = http2.ErrCodeProtocol
	}
	h.continuations, h.bytes, h.size, h.tooLarge = 0, 0, 0, false
	h.decoder.SetEmitEnabled(true)
}

// add decodes more of the block.
func (h *headerReader) add(fragment []byte, last bool) error {
	if h.bytes += len(fragment); h.bytes > h.limit+blockSlack {
		return calm("a header block is far larger than it may be")
	}
	if _, err := h.decoder.Write(fragment); err != nil {
		return fault{http2.ErrCodeCompression, "a header block cannot be decoded: " + err.Error()}
	}
	if !last {
		return nil
	}
	h.open = false
	if err := h.decoder.Close(); err != nil {
		return fault{http2.ErrCodeCompression, "a header block cannot be decoded: " + err.Error()}
	}
	return nil
}

// keptFields is how many fields there is memory for between blocks.
const keptFields = 64

// forget lets the fields of a block go.
func (h *headerReader) forget() {
	clear(h.fields)
	if h.fields = h.fields[:0]; cap(h.fields) > keptFields {
		h.fields = nil
	}
}

// recently are the last streams that the client has opened.
type recently [64]uint32

func (r *recently) open(id uint32)        { r[id/2%64] = id }
func (r *recently) opened(id uint32) bool { return r[id/2%64] == id }

func (c *conn) takeHeaders(f *http2.HeadersFrame) error {
	c.headers.begin(f)
	return c.takeBlock(f.HeaderBlockFragment(), f.HeadersEnded())
}

func (c *conn) takeContinuation(f *http2.ContinuationFrame) error {
	if c.headers.continuations++; c.headers.continuations > maxContinuations {
		return calm("a header block is in more pieces than it may be")
	}
	return c.takeBlock(f.HeaderBlockFragment(), f.HeadersEnded())
}

func (c *conn) takeBlock(fragment []byte, last bool) error {
	if err := c.headers.add(fragment, last); err != nil || !last {
		return err
	}
	c.ledger.earn()
	defer c.headers.forget()
	return c.takeList()
}

// takeList opens a stream with the list of fields that was read, or ends one.
func (c *conn) takeList() error {
	h := &c.headers
	c.mu.Lock()
	st, newest := c.streams[h.id], h.id > c.lastID
	c.mu.Unlock()
	switch {
	case st != nil:
		if err := c.takeTrailers(st); err != nil {
			return err
		}
		c.start(st)
		return nil
	case h.id%2 == 0:
		return fault{http2.ErrCodeProtocol, "a client opens streams of odd numbers"}
	case newest:
		return c.open()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.ends {
		c.early.end(h.id)
	}
	switch {
	case c.going.forgot(h.id):
		return nil
	case c.recent.opened(h.id):
		return fault{http2.ErrCodeStreamClosed, "headers are for a stream that is closed"}
	}
	return fault{http2.ErrCodeProtocol, "streams are opened out of their order"}
}

// open begins a stream.
func (c *conn) open() error {
	h := &c.headers
	if ignored, err := c.admit(h.id); ignored || err != nil {
		return err
	}
	if h.flaw != http2.ErrCodeNo {
		return http2.StreamError{StreamID: h.id, Code: h.flaw}
	}
	st := newStream(c, h.id)
	if h.tooLarge {
		st.head.status = statusHeadersTooLarge
	} else if err := st.head.parse(h.fields); err != nil {
		return http2.StreamError{StreamID: h.id, Code: http2.ErrCodeProtocol}
	}
	st.declared = st.head.length
	if h.ends && st.declared > 0 {
		return http2.StreamError{StreamID: h.id, Code: http2.ErrCodeProtocol}
	}
	c.mu.Lock()
	st.sendable = c.peerWindow
	if h.ends {
		st.body.err = io.EOF
		st.remoteClosed, st.empty = true, true
	} else {
		c.sending++
	}
	c.streams[h.id] = st
	st.waits, st.patient = true, !h.ends && c.mayBeShort(st)
	c.mu.Unlock()
	switch {
	case h.ends:
		c.start(st)
	case !st.patient:
		c.starting = append(c.starting, st)
	}
	return nil
}

// admit notes that a stream begins. It reports whether it comes after the last that the client was
// told of when it was asked to go away, and returns an error where it is one too many.
func (c *conn) admit(id uint32) (ignored bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastID = id
	c.recent.open(id)
	if c.going.final {
		return true, nil
	}
	if most := c.server.config.MaxStreams; len(c.streams) >= most || c.running >= most {
		return false, http2.StreamError{StreamID: id, Code: http2.ErrCodeRefusedStream}
	}
	return false, nil
}

// takeTrailers ends the body of a stream.
func (c *conn) takeTrailers(st *stream) error {
	h := &c.headers
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case st.remoteClosed:
		return http2.StreamError{StreamID: st.id, Code: http2.ErrCodeStreamClosed}
	case !h.ends, h.flaw != http2.ErrCodeNo, h.tooLarge, st.declared >= 0 && st.received != st.declared:
		return http2.StreamError{StreamID: st.id, Code: http2.ErrCodeProtocol}
	}
	for _, f := range h.fields {
		if f.IsPseudo() || !validField(f) {
			return http2.StreamError{StreamID: st.id, Code: http2.ErrCodeProtocol}
		}
	}
	st.trailers = append(st.trailers, h.fields...)
	st.endBody()
	st.readable.Broadcast()
	return nil
}

// start runs the handler of a stream that has not begun yet.
func (c *conn) start(st *stream) {
	c.mu.Lock()
	if !st.waits {
		c.mu.Unlock()
		return
	}
	st.waits = false
	if st.failure != nil { // it was reset
		st.ignoreBody()
		c.mu.Unlock()
		return
	}
	whole := st.body.err == io.EOF //nolint:errorlint // it is never wrapped
	c.mu.Unlock()
	if whole && c.answerShort(st) {
		return
	}
	c.mu.Lock()
	c.running++
	c.mu.Unlock()
	c.server.stacks.Go(st)
}

// startAll runs the handlers of the streams whose bodies are still to come.
func (c *conn) startAll() {
	for i, st := range c.starting {
		c.start(st)
		c.starting[i] = nil
	}
	c.starting = c.starting[:0]
}
