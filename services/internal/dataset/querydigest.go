package dataset

import (
	"encoding/binary"
	"encoding/hex"
	"hash"
)

// rowDigest is the digest of the rows of a query: SHA-256 of the names of the columns and then,
// row by row, of the values used. Each is its kind (a name, 0 for null, n for a number, b for a
// boolean, t for a text), the length of its text in bytes (an unsigned varint), and its text,
// which of a number of 64 bits is the shortest that reads back as the same, of a decimal as the
// database gives it.
type rowDigest struct {
	hash   hash.Hash
	buffer []byte
}

func (d *rowDigest) header(names []string) {
	for _, name := range names {
		d.cell('c', []byte(name))
	}
}

func (d *rowDigest) cell(kind byte, text []byte) {
	d.buffer = append(d.buffer, kind)
	d.buffer = binary.AppendUvarint(d.buffer, uint64(len(text)))
	d.buffer = append(d.buffer, text...)
	if len(d.buffer) >= 4096 {
		d.flush()
	}
}

func (d *rowDigest) flush() {
	d.hash.Write(d.buffer)
	d.buffer = d.buffer[:0]
}

func (d *rowDigest) sum() string {
	d.flush()
	return hex.EncodeToString(d.hash.Sum(nil))
}
