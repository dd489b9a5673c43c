package dataset

import (
	"encoding/binary"
	"errors"
)

// The types of Thrift's compact protocol; those that are not named are varints.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
	thriftUUID   = 13
)

// maxThriftDepth bounds structures within structures; those of Parquet go no deeper than six.
const maxThriftDepth = 32

var errThrift = errors.New("its footer has more elements than bytes")

// skipThrift returns what stands after a value, of Thrift's compact protocol, of the given type.
// The error is errThrift if it claims more than there is: a length that is not checked ahead can
// cost memory or minutes in those who trust it.
func skipThrift(b []byte, kind byte, depth int) ([]byte, error) {
	if depth > maxThriftDepth {
		return nil, errThrift
	}
	switch kind {
	case thriftByte:
		return skipBytes(b, 1)
	case thriftDouble:
		return skipBytes(b, 8)
	case thriftUUID:
		return skipBytes(b, 16)
	case thriftBinary:
		n, b, err := thriftVarint(b)
		if err != nil {
			return nil, err
		}
		return skipBytes(b, n)
	case thriftList, thriftSet:
		if len(b) == 0 {
			return nil, errThrift
		}
		n, element, b := uint64(b[0]>>4), b[0]&15, b[1:]
		if n == 15 {
			var err error
			if n, b, err = thriftVarint(b); err != nil {
				return nil, err
			}
		}
		return skipElements(b, n, depth, element)
	case thriftMap:
		n, b, err := thriftVarint(b)
		if err != nil || n == 0 {
			return b, err
		}
		if len(b) == 0 {
			return nil, errThrift
		}
		return skipElements(b[1:], n, depth, b[0]>>4, b[0]&15)
	case thriftStruct:
		return skipFields(b, depth)
	}
	if kind < thriftTrue || kind > thriftUUID {
		return nil, errThrift
	}
	_, b, err := thriftVarint(b)
	return b, err
}

// skipElements skips n elements, each made of values of those types.
func skipElements(b []byte, n uint64, depth int, kinds ...byte) (_ []byte, err error) {
	if n > uint64(len(b)) { // an element has a byte at least
		return nil, errThrift
	}
	for range n {
		for _, kind := range kinds {
			if kind == thriftTrue || kind == thriftFalse {
				kind = thriftByte
			}
			if b, err = skipThrift(b, kind, depth+1); err != nil {
				return nil, err
			}
		}
	}
	return b, nil
}

// skipFields skips the fields of a structure.
func skipFields(b []byte, depth int) (_ []byte, err error) {
	for len(b) > 0 {
		head := b[0]
		b = b[1:]
		if head == 0 {
			return b, nil
		}
		if head>>4 == 0 { // the number of the field follows
			if _, b, err = thriftVarint(b); err != nil {
				return nil, err
			}
		}
		if kind := head & 15; kind != thriftTrue && kind != thriftFalse {
			if b, err = skipThrift(b, kind, depth+1); err != nil {
				return nil, err
			}
		}
	}
	return nil, errThrift
}

func skipBytes(b []byte, n uint64) ([]byte, error) {
	if n > uint64(len(b)) {
		return nil, errThrift
	}
	return b[n:], nil
}

func thriftVarint(b []byte) (uint64, []byte, error) {
	n, size := binary.Uvarint(b)
	if size <= 0 {
		return 0, nil, errThrift
	}
	return n, b[size:], nil
}

// eachField calls visit for each field of a structure, with what its value begins, and returns what
// stands after the structure.
func eachField(b []byte, visit func(field int64, kind byte, b []byte) error) (_ []byte, err error) {
	field := int64(0)
	for len(b) > 0 {
		head := b[0]
		b = b[1:]
		if head == 0 {
			return b, nil
		}
		if delta := int64(head >> 4); delta > 0 {
			field += delta
		} else {
			start := b
			if _, b, err = thriftVarint(b); err == nil {
				err = readInt(start, &field)
			}
			if err != nil {
				return nil, err
			}
		}
		kind := head & 15
		if err := visit(field, kind, b); err != nil {
			return nil, err
		}
		if kind != thriftTrue && kind != thriftFalse {
			if b, err = skipThrift(b, kind, 1); err != nil {
				return nil, err
			}
		}
	}
	return nil, errThrift
}

// readInt reads the integer that b begins with.
func readInt(b []byte, to *int64) error {
	n, _, err := thriftVarint(b)
	*to = int64(n>>1) ^ -int64(n&1)
	return err
}
