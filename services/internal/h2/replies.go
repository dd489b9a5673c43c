package h2

import (
	"bytes"
	"strconv"

	"golang.org/x/net/http2/hpack"
)

// headerWriter encodes header blocks, one at a time. The mutex of the connection guards it: blocks
// must be sent in the order in which they are made.
type headerWriter struct {
	encoder *hpack.Encoder
	buffer  bytes.Buffer
}

// keptBlock is the capacity of the largest buffer of header blocks that is used again.
const keptBlock = 4 << 10

func (w *headerWriter) init() { w.encoder = hpack.NewEncoder(&w.buffer) }

// limitTable takes over how large a table the client keeps.
func (w *headerWriter) limitTable(size uint32) {
	w.encoder.SetMaxDynamicTableSize(min(size, tableSize))
}

// begin begins the block of a response.
func (w *headerWriter) begin(status int) {
	w.beginTrailers()
	text := "200"
	if status != 200 {
		text = strconv.Itoa(status)
	}
	w.field(":status", text)
}

func (w *headerWriter) beginTrailers() {
	if w.buffer.Cap() > keptBlock {
		w.buffer = bytes.Buffer{}
	}
	w.buffer.Reset()
}

// field adds one. What differs from call to call would only push out of the client's table what
// does not, and is told not to be kept there.
func (w *headerWriter) field(name, value string) {
	// bytes.Buffer takes everything.
	_ = w.encoder.WriteField(hpack.HeaderField{Name: name, Value: value, Sensitive: passing(name)})
}

// block returns what was encoded since begin, which the next begin overwrites.
func (w *headerWriter) block() []byte { return w.buffer.Bytes() }

// passing reports whether a field has another value in each answer.
func passing(name string) bool {
	switch name {
	case "content-length", "etag", "grpc-message", "grpc-status-details-bin", "location", "retry-after", "set-cookie", "x-request-id":
		return true
	}
	return false
}
