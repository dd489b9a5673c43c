package h2

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

var (
	errBodyClosed = errors.New("http2: the body was closed")
	errClosed     = errors.New("http2: stream closed")
)

// stream is a request and its response. What stands below mu's mark is guarded by the mutex of the
// connection, the rest belongs to the reader until the handler runs, and to the handler then.
type stream struct {
	conn    *conn
	id      uint32
	began   int64
	head    head
	patient bool // the handler waits for the whole body: it may be answered on the short path
	empty   bool // there is no body

	request  http.Request
	url      url.URL
	response response
	cancel   context.CancelFunc
	reply    *Reply // what is sent in place of a handler's response

	// Guarded by conn.mu from here on.
	waits        bool // the handler was not begun
	body         body
	trailers     []hpack.HeaderField
	declared     int64 // the length of the body, -1 if it was not said
	received     int64
	receivable   int64 // what the client may still send
	owed         int64 // what was read, and not given back yet
	sendable     int64 // the window for what is sent
	remoteClosed bool  // nothing more is to come from the client
	localClosed  bool  // nor from here
	expects      bool  // the client waits for "100 Continue"
	failure      error // why nothing can be sent any more
	readLate     bool  // the read deadline has passed
	readBy       deadline
	writeBy      deadline
	readable     sync.Cond // there may be something to read
	wake         sync.Cond // there may be room to write
}

func newStream(c *conn, id uint32) *stream {
	if st := c.reuse(id); st != nil {
		return st
	}
	st := &stream{conn: c, id: id, began: c.now, declared: -1, receivable: streamWindow}
	st.head.length = -1
	st.readable.L, st.wake.L = &c.mu, &c.mu
	return st
}

// run lets the handler answer.
func (st *stream) run() {
	c := st.conn
	ctx, cancel := context.WithCancel(c.ctx)
	c.mu.Lock()
	st.cancel = cancel
	if st.failure != nil {
		cancel()
	}
	c.mu.Unlock()
	st.makeRequest(ctx)
	st.response.init(st)
	finished := false
	defer func() {
		if !finished {
			st.panicked(recover())
		}
		cancel()
		if form := st.request.MultipartForm; form != nil {
			_ = form.RemoveAll() // net/http takes away these files too, and has nobody to tell either
		}
	}()
	if st.head.status != 0 {
		st.response.WriteHeader(st.head.status)
	} else {
		c.handler.ServeHTTP(&st.response, &st.request)
	}
	st.response.finish()
	finished = true
}

// panicked breaks the stream off whose handler has panicked.
func (st *stream) panicked(value any) {
	c := st.conn
	if value != http.ErrAbortHandler { //nolint:errorlint // it is the value that handlers panic with
		stack := make([]byte, 64<<10)
		stack = stack[:runtime.Stack(stack, false)]
		c.server.config.ErrorLog.Printf("http2: panic serving %v: %v\n%s", c.remote, value, stack)
	}
	st.response.release()
	c.mu.Lock()
	defer c.mu.Unlock()
	st.breakOff(http2.ErrCodeInternal, errClosed)
	st.done()
}

// makeRequest makes what the handler gets.
func (st *stream) makeRequest(ctx context.Context) {
	h := &st.head
	header, trailer := h.header()
	target := h.url
	if target == nil {
		st.url.Path = h.path
		target = &st.url
	}
	uri := h.path
	if h.method == http.MethodConnect {
		uri = h.authority
	}
	st.request = *(&http.Request{
		Method:        h.method,
		URL:           target,
		Proto:         "HTTP/2.0",
		ProtoMajor:    2,
		Header:        header,
		Trailer:       trailer,
		ContentLength: h.length,
		Host:          h.authority,
		RequestURI:    uri,
		RemoteAddr:    st.conn.remote,
		TLS:           st.conn.tls,
		Body:          &trailedBody{requestBody{st}, &st.request},
	}).WithContext(ctx)
	expect := header["Expect"]
	expects := len(expect) > 0 && httpguts.HeaderValuesContainsToken(expect, "100-continue")
	if expects {
		delete(header, "Expect")
	}
	if st.empty {
		st.request.Body, st.request.ContentLength = http.NoBody, 0
		return
	}
	if expects {
		st.conn.mu.Lock()
		st.expects = true
		st.conn.mu.Unlock()
	}
}

// trailedBody is a body that gives its request the announced trailers when it has ended.
type trailedBody struct {
	requestBody
	request *http.Request
}

func (b *trailedBody) Read(p []byte) (int, error) {
	n, err := b.requestBody.Read(p)
	if err == io.EOF && b.request.Trailer != nil { //nolint:errorlint // io.Reader promises io.EOF itself
		for _, f := range b.st.trailers {
			key := canonicalKey(f.Name)
			if _, ok := b.request.Trailer[key]; ok {
				b.request.Trailer[key] = append(b.request.Trailer[key], f.Value)
			}
		}
		b.st.trailers = nil
	}
	return n, err
}

// closeRemote notes that nothing more is to come from the client. mu must be held.
func (st *stream) closeRemote() {
	if !st.remoteClosed {
		st.remoteClosed = true
		st.conn.sending--
	}
}

// endBody notes that the client has sent all. mu must be held.
func (st *stream) endBody() {
	st.closeRemote()
	if st.body.err == nil {
		st.body.err = io.EOF
	}
	if st.localClosed {
		delete(st.conn.streams, st.id)
	}
}

// close ends the stream in both directions, for a fault of the client's or because the connection has
// ended. mu must be held.
func (st *stream) close(err error) {
	if st.failure == nil {
		st.failure = err
	}
	if st.body.err == nil {
		st.body.err = err
	}
	st.closeRemote()
	st.localClosed = true
	delete(st.conn.streams, st.id)
	if st.waits { // nobody will
		st.ignoreBody()
	}
	st.readable.Broadcast()
	st.wake.Broadcast()
	if st.cancel != nil {
		st.cancel()
	}
	if st.conn.going.final {
		st.conn.quitIfDone()
	}
}

// breakOff resets the stream for the server's own reasons; err is what its handler is told. mu must
// be held.
func (st *stream) breakOff(code http2.ErrCode, err error) {
	if st.failure != nil || st.localClosed && st.remoteClosed {
		return
	}
	st.conn.out.reset(st.id, code)
	st.conn.out.flushSoon()
	if !st.remoteClosed {
		st.conn.going.forget(st.id)
	}
	st.close(err)
}

// done notes that the handler has ended. mu must be held.
func (st *stream) done() {
	c := st.conn
	if st.failure == nil {
		st.localClosed = true
		if !st.remoteClosed { // the client need not send the rest
			c.answeredEarly(st.id, st.response.trailed)
			st.closeRemote()
		}
		delete(c.streams, st.id)
		st.failure = errClosed
	}
	c.running--
	st.readBy.set(c, time.Time{}, func(bool) {})
	st.writeBy.set(c, time.Time{}, func(bool) {})
	st.ignoreBody()
	c.out.flushSoon()
	if c.going.final {
		c.quitIfDone()
	}
}

// ignoreBody lets go what was not read of the body, and what is still to come. mu must be held.
func (st *stream) ignoreBody() {
	st.body.unread = true
	st.readable.Broadcast() // a goroutine that the handler has left behind may read
	st.conn.giveBack(st.body.drop())
}

// write sends a part of the body of the response. mu must be held; it is let go while there is no
// room.
func (st *stream) write(p []byte, end bool) error {
	c := st.conn
	for {
		n := max(0, min(int64(len(p)), st.sendable, c.sendable, maxFrame)) // a window may be negative
		switch {
		case st.failure != nil:
			return st.failure
		case len(p) == 0 && !end:
			return nil
		case len(p) == 0 || n > 0 && !c.out.full():
			c.out.data(st.id, p[:n], end && n == int64(len(p)))
			if n >= worthwhile || n == int64(len(p)) {
				c.out.sent += 1 + int(n)/often
			}
			st.sendable -= n
			c.sendable -= n
			if p = p[n:]; len(p) == 0 {
				return nil
			}
		default:
			st.wait()
		}
	}
}

// wait lets mu go until something may have changed. mu must be held.
func (st *stream) wait() {
	out := &st.conn.out
	out.flushSoon()
	out.waiting++
	st.wake.Wait()
	out.waiting--
}

// waitForRoom waits until more may be gathered than has been, or the stream is closed: header blocks
// have no window that would hold them back. mu must be held.
func (st *stream) waitForRoom() {
	for st.failure == nil && st.conn.out.full() {
		st.wait()
	}
}
