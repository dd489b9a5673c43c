package dataset

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

const (
	npyMagic = "\x93NUMPY"
	// maxNPYHeader bounds the description at the start of an array; numpy writes some 100 bytes.
	maxNPYHeader = 64 << 10
)

// npyHeader describes an array of numpy.
type npyHeader struct {
	dtype   string // such as <f8
	size    int    // bytes of an element
	fortran bool   // columns one after the other
	shape   []int
	start   int64 // where the elements begin
}

var (
	npyDescription = regexp.MustCompile(`'descr'\s*:\s*('[^']*'|\[)`)
	npyOrder       = regexp.MustCompile(`'fortran_order'\s*:\s*(True|False)\b`)
	npyShape       = regexp.MustCompile(`'shape'\s*:\s*\(([0-9, ]*)\)`)
	npyText        = regexp.MustCompile(`^[<=|]U([1-9][0-9]{0,4})$`)
)

// npySizes are the bytes of the numeric types that are read.
var npySizes = map[string]int{"<f4": 4, "<f8": 8, "<i4": 4, "<i8": 8, "|u1": 1, "|b1": 1}

// readNPYHeader reads the start of an array; the error says what the array is.
func readNPYHeader(r io.Reader) (*npyHeader, error) {
	start := make([]byte, 12)
	if _, err := io.ReadFull(r, start[:10]); err != nil || string(start[:6]) != npyMagic {
		return nil, fmt.Errorf("is no array of numpy: it does not begin with %q and a version", npyMagic)
	}
	length, h := int(binary.LittleEndian.Uint16(start[8:])), &npyHeader{start: 10}
	switch version := start[6]; version {
	case 1:
	case 2, 3:
		if _, err := io.ReadFull(r, start[10:]); err != nil {
			return nil, fmt.Errorf("ends within its header: %w", err)
		}
		length, h.start = int(binary.LittleEndian.Uint32(start[8:])), 12
	default:
		return nil, fmt.Errorf("has version %d of numpy's format, expected 1, 2 or 3", version)
	}
	if length > maxNPYHeader {
		return nil, fmt.Errorf("has a header of %d bytes, at most %d are expected", length, maxNPYHeader)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, fmt.Errorf("ends within its header: %w", err)
	}
	h.start += int64(length)
	return h, h.parse(string(text))
}

func (h *npyHeader) parse(text string) error {
	description, order, shape := npyDescription.FindStringSubmatch(text), npyOrder.FindStringSubmatch(text), npyShape.FindStringSubmatch(text)
	if description == nil || order == nil || shape == nil {
		return fmt.Errorf("has a header without descr, fortran_order and shape: %.200q", text)
	}
	h.dtype = strings.Trim(description[1], "'")
	h.fortran = order[1] == "True"
	for part := range strings.SplitSeq(shape[1], ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		n, err := strconv.Atoi(part)
		if err != nil {
			return fmt.Errorf("has the shape (%s), which no memory holds", shape[1])
		}
		h.shape = append(h.shape, n)
	}
	return h.checkType()
}

func (h *npyHeader) checkType() error {
	if text := npyText.FindStringSubmatch(h.dtype); text != nil {
		runes, err := strconv.Atoi(text[1])
		h.size = 4 * runes
		return err
	}
	size, known := npySizes[h.dtype]
	h.size = size
	switch {
	case known:
		return nil
	case h.dtype == "[":
		return fmt.Errorf("is a structured array; save its columns as one array of '<f8', or as CSV")
	case strings.HasSuffix(h.dtype, "O") && len(h.dtype) <= 2:
		return fmt.Errorf("holds Python objects, whose pickles are never read; save numbers, such as array.astype('<f8'), and texts as '<U'")
	}
	return fmt.Errorf("has the dtype %q, expected <f4, <f8, <i4, <i8, |u1 or |b1: save array.astype('<f8')", brief(h.dtype))
}

// isText reports whether the elements are texts.
func (h *npyHeader) isText() bool { return strings.Contains(h.dtype, "U") }

// check compares the shape with the bytes of the file.
func (h *npyHeader) check(fileSize int64) error {
	held, wanted := fileSize-h.start, int64(h.size)
	for _, n := range h.shape {
		if n > 0 && wanted > math.MaxInt64/int64(n) {
			return fmt.Errorf("has the shape %v, more than a file can hold", h.shape)
		}
		wanted *= int64(n)
	}
	if wanted != held {
		return fmt.Errorf("holds %d bytes of elements, but the shape %v of %s has %d", held, h.shape, h.dtype, wanted)
	}
	return nil
}

// number returns the element that the bytes are.
func (h *npyHeader) number(element []byte) float64 {
	switch h.dtype {
	case "<f4":
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(element)))
	case "<f8":
		return math.Float64frombits(binary.LittleEndian.Uint64(element))
	case "<i4":
		return float64(int32(binary.LittleEndian.Uint32(element)))
	case "<i8":
		return float64(int64(binary.LittleEndian.Uint64(element)))
	case "|b1":
		if element[0] != 0 {
			return 1
		}
		return 0
	}
	return float64(element[0])
}

// appendText appends what the element is as a label.
func (h *npyHeader) appendText(text, element []byte) []byte {
	switch h.dtype {
	case "<f4":
		return strconv.AppendFloat(text, h.number(element), 'g', -1, 32)
	case "<f8":
		return strconv.AppendFloat(text, h.number(element), 'g', -1, 64)
	case "<i8":
		return strconv.AppendInt(text, int64(binary.LittleEndian.Uint64(element)), 10)
	case "<i4", "|u1":
		return strconv.AppendInt(text, int64(h.number(element)), 10)
	case "|b1":
		return strconv.AppendBool(text, element[0] != 0)
	}
	for ; len(element) >= 4; element = element[4:] {
		r := rune(binary.LittleEndian.Uint32(element))
		if r == 0 {
			break // what is left is padding
		}
		text = append(text, string(r)...)
	}
	return text
}
