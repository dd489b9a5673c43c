package metrics

import (
	"io"
	"net/http"
	"sync"
)

// Traffic counts the bytes of one request and of its answer; see [RPC.Traffic].
type Traffic struct {
	rpc    *RPC
	writer countingWriter
	body   countingBody
	query  int // the length of a request that has no body
}

//nolint:gochecknoglobals // a pool is of use only if all share it
var traffics sync.Pool // of *Traffic

// Traffic begins to count. It puts itself before the body of the request, and what it returns with
// the writer is to be written to in its place. End is due when the handler is done; until then
// nothing else may keep either.
func (m *RPC) Traffic(w http.ResponseWriter, r *http.Request) (*Traffic, http.ResponseWriter) {
	var t *Traffic
	if !m.Streams { // what looks after a stream may still touch it when the handler is done
		t, _ = traffics.Get().(*Traffic)
	}
	if t == nil {
		t = new(Traffic)
	}
	t.rpc, t.writer.ResponseWriter = m, w
	if r.Body == nil || r.Body == http.NoBody {
		t.query = len(r.URL.RawQuery)
	} else {
		t.body.ReadCloser = r.Body
		r.Body = &t.body
	}
	return t, &t.writer
}

// End counts what was read and written.
func (t *Traffic) End() {
	m := t.rpc
	m.request.add(t.query + t.body.bytes)
	m.response.add(t.writer.bytes)
	if !m.Streams {
		*t = Traffic{}
		traffics.Put(t)
	}
}

// Whole counts the bytes of a request and its answer that did not pass a [Traffic].
func (m *RPC) Whole(request, response int) {
	m.request.add(request)
	m.response.add(response)
}

type countingBody struct {
	io.ReadCloser
	bytes int
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.bytes += n
	return n, err
}

type countingWriter struct {
	http.ResponseWriter
	bytes int
}

func (w *countingWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.bytes += n
	return n, err
}

// Unwrap is for [http.ResponseController].
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush is that of the writer, where it has one.
func (w *countingWriter) Flush() {
	if f, ok := w.ResponseWriter.(http.Flusher); ok {
		f.Flush()
		return
	}
	// Where flushing fails, the next write does.
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}
