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
	changes uint64 // of the client's table
	common  map[*Block]*commonBlock
}

// commonBlock is how a list of fields was encoded, which holds as long as the client's table stays as
// it is.
type commonBlock struct {
	changes uint64
	status  int
	date    string
	bytes   []byte
}

// keptBlock is the capacity of the largest buffer of header blocks that is used again.
const keptBlock = 4 << 10

func (w *headerWriter) init() { w.encoder = hpack.NewEncoder(&w.buffer) }

// limitTable takes over how large a table the client keeps.
func (w *headerWriter) limitTable(size uint32) {
	w.changes++
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
	at := w.buffer.Len()
	// bytes.Buffer takes everything.
	_ = w.encoder.WriteField(hpack.HeaderField{Name: name, Value: value, Sensitive: passing(name)})
	if first := w.buffer.Bytes()[at]; first&0xc0 == literalAdded || first&0xe0 == tableResized {
		w.changes++
	}
}

// How what changes the client's table begins (RFC 7541 sections 6.2.1 and 6.3).
const literalAdded, tableResized = 0x40, 0x20

// beginCommon is begin and field for a status, a date, and the fields of a block, encoded as they were
// for the last response if that holds still. A status of 0 and an empty date are none.
func (w *headerWriter) beginCommon(status int, block *Block, date string) {
	kept := w.common[block]
	if kept != nil && kept.changes == w.changes && kept.status == status && kept.date == date {
		w.beginTrailers()
		w.buffer.Write(kept.bytes)
		return
	}
	if status == 0 {
		w.beginTrailers()
	} else {
		w.begin(status)
	}
	if block != nil {
		for _, f := range block.fields {
			w.field(f.Name, f.Value)
		}
	}
	if date != "" {
		w.field("date", date)
	}
	w.keep(block, status, date)
}

// keep keeps what was encoded, from the second time on: the first has filled the table.
func (w *headerWriter) keep(block *Block, status int, date string) {
	kept := w.common[block]
	if kept == nil {
		if w.common == nil {
			w.common = make(map[*Block]*commonBlock)
		}
		kept = new(commonBlock)
		w.common[block] = kept
	}
	before := kept.changes
	kept.changes, kept.status, kept.date = w.changes, status, date
	if kept.bytes = kept.bytes[:0]; before != w.changes {
		kept.status = -1
		return
	}
	kept.bytes = append(kept.bytes, w.buffer.Bytes()...)
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
