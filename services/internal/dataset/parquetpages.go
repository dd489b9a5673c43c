package dataset

import (
	"errors"
	"io"

	"github.com/parquet-go/parquet-go/format"
)

// What a page may claim to hold unpacked: so much, and so much more for each byte of the file.
const (
	freePageBytes    = 64 << 20
	pageBytesPerByte = 1024
)

// The headers of pages are read in pieces that grow: most have some dozens of bytes, but they may
// hold the least and the greatest text.
const (
	shortPageHeader = 4 << 10
	longPageHeader  = 16 << 20
)

// The fields of a page's header that say how large something is.
const (
	pageUnpackedField = 2
	pagePackedField   = 3
	dataPageField     = 5
	dictionaryField   = 7
	dataPage2Field    = 8
	numValuesField    = 1 // of each of the three
	thriftInt32       = 5
)

var errPage = errors.New("a page says that it is larger than it can be")

// pageHeader is the sizes of a page, in bytes, and how many values it says to have.
type pageHeader struct {
	unpacked, packed   int64
	values, dictionary int64
}

// checkPages walks over the pages of a column in a group of that many rows. The library makes room
// for what their headers claim before it reads on.
func checkPages(file io.ReaderAt, size int64, meta *format.ColumnMetaData, rows int) error {
	at := meta.DataPageOffset
	if meta.DictionaryPageOffset > 0 {
		at = meta.DictionaryPageOffset
	}
	if at < 0 || at > size || meta.TotalCompressedSize < 0 || meta.TotalCompressedSize > size-at {
		return errPage
	}
	end := at + meta.TotalCompressedSize
	for at < end {
		header, length, err := readPageHeader(file, at, end)
		if err != nil {
			return err
		}
		at += length
		switch {
		case header.packed < 0 || header.packed > end-at, header.unpacked < 0 || header.unpacked > freePageBytes+pageBytesPerByte*size:
			return errPage
		case header.values < 0 || header.values > int64(rows), header.dictionary < 0 || header.dictionary > 8*header.unpacked:
			return errPage
		}
		at += header.packed
	}
	return nil
}

// readPageHeader reads the header that begins at a place, and returns its length too.
func readPageHeader(file io.ReaderAt, at, end int64) (pageHeader, int64, error) {
	for most := int64(shortPageHeader); ; most *= 16 {
		bytes := make([]byte, min(most, end-at))
		if _, err := file.ReadAt(bytes, at); err != nil && !errors.Is(err, io.EOF) {
			return pageHeader{}, 0, err
		}
		var header pageHeader
		rest, err := header.parse(bytes)
		if err == nil || most >= min(longPageHeader, end-at) {
			return header, int64(len(bytes) - len(rest)), err
		}
	}
}

// parse reads a header and returns what stands after it.
func (h *pageHeader) parse(b []byte) ([]byte, error) {
	return eachField(b, func(field int64, kind byte, b []byte) error {
		switch {
		case kind == thriftInt32 && field == pageUnpackedField:
			return readInt(b, &h.unpacked)
		case kind == thriftInt32 && field == pagePackedField:
			return readInt(b, &h.packed)
		case kind == thriftStruct && (field == dataPageField || field == dataPage2Field):
			return readNumValues(b, &h.values)
		case kind == thriftStruct && field == dictionaryField:
			return readNumValues(b, &h.dictionary)
		}
		return nil
	})
}

// readNumValues reads the number of values from a part of a header.
func readNumValues(b []byte, to *int64) error {
	_, err := eachField(b, func(field int64, kind byte, b []byte) error {
		if kind == thriftInt32 && field == numValuesField {
			return readInt(b, to)
		}
		return nil
	})
	return err
}
