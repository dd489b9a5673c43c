package h2

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"
)

// responseBuffer is how much of a body is gathered before it is sent.
const responseBuffer = 4 << 10

//nolint:gochecknoglobals // a pool is of use only if all share it
var responseBuffers = sync.Pool{New: func() any { return new([responseBuffer]byte) }}

var errTooMuch = errors.New("http2: handler wrote more than declared Content-Length")

// pair is a field of a header block.
type pair struct{ name, value string }

// response is the http.ResponseWriter of a stream. The handler's goroutine uses it, except that
// deadlines may be set by others.
type response struct {
	st      *stream
	header  http.Header
	status  int // 0: WriteHeader was not called
	fields  []pair
	store   [16]pair
	headers bool  // they were sent
	length  int64 // of the body as the handler says it, -1 if it does not
	written int64
	typed   bool // there is a Content-Type, or no need for one
	dated   bool
	trailed bool     // a header block ends it, of trailers or the only one
	last    bool     // the connection is to be closed after this
	names   []string // of the trailers that are announced, as keys

	memory *[responseBuffer]byte
	buffer []byte // in memory: of the body, not sent yet
}

func (w *response) init(st *stream) {
	w.st, w.header, w.length = st, make(http.Header, 8), -1
	w.fields = w.store[:0]
}

// Header returns the header of the response, and what its trailers are to be.
func (w *response) Header() http.Header { return w.header }

// WriteHeader settles the header. A status of 100 to 199 is sent at once, and another may follow.
func (w *response) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %v", status)) //nolint:forbidigo // as net/http does
	}
	if w.status != 0 {
		return
	}
	if status < 200 {
		w.inform(status)
		return
	}
	w.status = status
	if names := w.header["Trailer"]; len(names) > 0 {
		for name := range announced(nil, strings.Join(names, ",")) {
			w.names = append(w.names, name)
		}
	}
	for key, values := range w.header {
		w.take(key, values)
	}
}

// inform sends a status that is not the last.
func (w *response) inform(status int) {
	var fields []pair
	for key, values := range w.header {
		if name := lowerName(key); name != "content-length" && !ofConnection(name) {
			fields = appendFields(fields, name, values)
		}
	}
	c := w.st.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if status == http.StatusContinue {
		w.st.expects = false
	}
	if w.st.waitForRoom(); w.st.failure != nil || w.headers {
		return
	}
	c.replies.begin(status)
	for _, f := range fields {
		c.replies.field(f.name, f.value)
	}
	c.out.headers(w.st.id, c.replies.block(), false)
	c.out.flushSoon()
}

// take adds a field of the header, which is as it is from now on.
func (w *response) take(key string, values []string) {
	name := lowerName(key)
	switch name {
	case "connection":
		w.last = slices.Contains(values, "close")
	case "content-length":
		values = values[:min(1, len(values))]
		n, err := strconv.ParseUint(strings.Join(values, ""), 10, 63)
		if err != nil || w.length >= 0 {
			return
		}
		w.length = int64(n)
	case "content-encoding":
		w.typed = w.typed || len(values) > 0 && values[0] != ""
	case "content-type":
		w.typed = true
	case "date":
		w.dated = true
	}
	if ofConnection(name) || strings.HasPrefix(key, http.TrailerPrefix) || slices.Contains(w.names, key) {
		return
	}
	w.fields = appendFields(w.fields, name, values)
}

// ofConnection reports whether a field is one of HTTP/1 that speaks of its connection (RFC 9113
// section 8.2.2).
func ofConnection(name string) bool {
	switch name {
	case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
		return true
	}
	return false
}

// appendFields appends what may be sent of a header's field.
func appendFields(fields []pair, name string, values []string) []pair {
	if _, usual := known.canonical[name]; !usual && !validName(name) {
		return fields
	}
	for _, value := range values {
		if httpguts.ValidHeaderFieldValue(value) {
			fields = append(fields, pair{name, value})
		}
	}
	return fields
}

func validName(name string) bool {
	for i := range len(name) {
		if !httpguts.IsTokenRune(rune(name[i])) {
			return false
		}
	}
	return name != ""
}

// bodyAllowed reports whether a response of a status may have a body.
func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// Write sends a part of the body, or gathers it. It fails when the stream was reset, when the write
// deadline has passed, and for more than the Content-Length.
func (w *response) Write(p []byte) (int, error) { return write(w, p) }

// WriteString is Write.
func (w *response) WriteString(s string) (int, error) { return write(w, s) }

func write[T []byte | string](w *response, p T) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !bodyAllowed(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	if w.length >= 0 && w.written+int64(len(p)) > w.length {
		return 0, errTooMuch
	}
	w.written += int64(len(p))
	if w.memory == nil {
		w.memory, _ = responseBuffers.Get().(*[responseBuffer]byte)
		w.buffer = w.memory[:0]
	}
	n := min(len(p), responseBuffer-len(w.buffer))
	w.buffer = append(w.buffer, p[:n]...)
	if n == len(p) || w.st.head.method == http.MethodHead { // HEAD: no more is of use, to tell its type
		return len(p), nil
	}
	if err := w.send([]byte(p[n:])); err != nil {
		return 0, err
	}
	return len(p), nil
}

// send sends what was gathered, and p behind it.
func (w *response) send(p []byte) error {
	c := w.st.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if !w.headers {
		w.st.waitForRoom()
	}
	if w.st.failure != nil {
		return w.st.failure
	}
	if !w.headers {
		w.sendHeaders(w.buffer, -1, w.st.head.method == http.MethodHead)
	}
	if w.st.head.method == http.MethodHead {
		c.out.flushSoon()
		return nil
	}
	if err := w.st.write(w.buffer, false); err != nil {
		return err
	}
	w.buffer = w.buffer[:0]
	if err := w.st.write(p, false); err != nil {
		return err
	}
	c.out.flushSoon()
	return nil
}

// sendHeaders sends the header; first is what the body begins with, and length is that of the body,
// -1 if that is not known. mu must be held.
func (w *response) sendHeaders(first []byte, length int64, end bool) {
	c := w.st.conn
	w.headers = true
	w.st.expects = false
	c.replies.begin(w.status)
	for _, f := range w.fields {
		c.replies.field(f.name, f.value)
	}
	if !w.typed && len(first) > 0 {
		c.replies.field("content-type", http.DetectContentType(first))
	}
	if length >= 0 && w.length < 0 {
		c.replies.field("content-length", strconv.FormatInt(length, 10))
	}
	if !w.dated {
		c.replies.field("date", c.server.dateNow(time.Now()))
	}
	c.out.headers(w.st.id, c.replies.block(), end)
	w.trailed = end
	if w.last {
		c.drainLocked()
	}
}

// Flush sends what was gathered.
func (w *response) Flush() { _ = w.FlushError() } // the next Write says so too

// FlushError is Flush, and says whether anything can be sent at all.
func (w *response) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.send(nil)
}

// finish sends the rest when the handler is done, with the end of the stream.
func (w *response) finish() {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	trailers := w.trailers()
	st, c := w.st, w.st.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if !w.headers {
		st.waitForRoom()
	}
	if st.failure == nil && !st.localClosed {
		w.finishLocked(trailers)
	}
	w.release()
	st.done()
}

func (w *response) finishLocked(trailers []pair) {
	st, c := w.st, w.st.conn
	bodiless := st.head.method == http.MethodHead || !bodyAllowed(w.status)
	if !w.headers {
		length := int64(-1)
		if bodyAllowed(w.status) && (!bodiless || w.written > 0) {
			length = w.written
		}
		end := len(trailers) == 0 && (bodiless || len(w.buffer) == 0) && (bodiless || w.written >= w.length)
		w.sendHeaders(w.buffer, length, end)
		if end {
			return
		}
	} else if st.head.method == http.MethodHead {
		return // it ended with them
	}
	if w.length >= 0 && w.written < w.length && !bodiless {
		st.breakOff(http2.ErrCodeInternal, errClosed) // a client that counts would wait for the rest
		return
	}
	if bodiless {
		w.buffer = w.buffer[:0]
	}
	if st.write(w.buffer, len(trailers) == 0) != nil || len(trailers) == 0 {
		return
	}
	w.trailed = true
	c.replies.beginTrailers()
	for _, f := range trailers {
		c.replies.field(f.name, f.value)
	}
	c.out.headers(st.id, c.replies.block(), true)
}

// trailers returns what follows the body.
func (w *response) trailers() (fields []pair) {
	if w.st.head.method == http.MethodHead {
		return nil
	}
	if used := len(w.fields); used < len(w.store) {
		fields = w.store[used:used]
	}
	for key, values := range w.header {
		name, prefixed := strings.CutPrefix(key, http.TrailerPrefix)
		if !prefixed && !slices.Contains(w.names, key) {
			continue
		}
		if name = textproto.CanonicalMIMEHeaderKey(name); httpguts.ValidTrailerHeader(name) {
			fields = appendFields(fields, lowerName(name), values)
		}
	}
	return fields
}

func (w *response) release() {
	if w.memory != nil {
		responseBuffers.Put(w.memory)
		w.memory, w.buffer = nil, nil
	}
}

// EnableFullDuplex is for http.ResponseController: bodies of HTTP/2 are never anything else.
func (w *response) EnableFullDuplex() error { return nil }

// SetReadDeadline bounds reading of the request's body; a zero t is no bound.
func (w *response) SetReadDeadline(t time.Time) error {
	st, c := w.st, w.st.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	st.readBy.set(c, t, func(late bool) {
		st.readLate = late
		st.readable.Broadcast()
	})
	return nil
}

// SetWriteDeadline bounds writing: when it passes, the stream is reset. A zero t is no bound.
func (w *response) SetWriteDeadline(t time.Time) error {
	st, c := w.st, w.st.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	st.writeBy.set(c, t, func(late bool) {
		if late {
			st.breakOff(http2.ErrCodeInternal, os.ErrDeadlineExceeded)
		}
	})
	return nil
}
