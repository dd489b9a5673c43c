package rpc

import (
	"bufio"
	"io"
	"net/http"
)

// gatherBytes is how much of a stream is read ahead.
const gatherBytes = 16 << 10

// Gather lets a call whose handler answers message by message take as many as have arrived, and
// send their answers at once: what it flushes is sent when it waits for more, or ends. Each read
// of a body and each flush over HTTP/2 is a message to the goroutine that serves the connection,
// which costs more than a prediction. Nothing waits longer for it.
//
// The handler must read and write in one goroutine.
func Gather(path string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path || r.ProtoMajor < 2 {
			next.ServeHTTP(w, r)
			return
		}
		c, r := callOf(r)
		body := r.Body
		r.Body = gatheredBody{bufio.NewReaderSize(flushingReader{body, &c.answer}, gatherBytes), body}
		c.answer.gathers = true
		next.ServeHTTP(w, r)
	})
}

type gatheredBody struct {
	io.Reader
	io.Closer
}

// flushingReader sends what was flushed before it reads, which may wait.
type flushingReader struct {
	body   io.Reader
	answer *answer
}

func (r flushingReader) Read(p []byte) (int, error) {
	if r.answer.flushed {
		r.answer.flushed = false
		r.answer.flush()
	}
	return r.body.Read(p)
}
