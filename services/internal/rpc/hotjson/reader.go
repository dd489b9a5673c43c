package hotjson

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf8"
)

// reader reads JSON from left to right. Its methods pass over white space before what they
// read, and report false where that is not there in its plain form; the reader is then of no
// further use.
type reader struct {
	data []byte
	at   int

	rows    rowSlab
	doubles doubleSlab
}

// peek returns the next byte that is no white space, or 0 at the end.
func (r *reader) peek() byte {
	for ; r.at < len(r.data); r.at++ {
		switch c := r.data[r.at]; c {
		case ' ', '\n', '\r', '\t':
		default:
			return c
		}
	}
	return 0
}

func (r *reader) take(c byte) bool {
	if r.peek() != c || r.at == len(r.data) {
		return false
	}
	r.at++
	return true
}

// end reports whether nothing is left.
func (r *reader) end() bool {
	r.peek()
	return r.at == len(r.data)
}

func (r *reader) word(word string) bool {
	r.peek()
	if !bytes.HasPrefix(r.data[r.at:], []byte(word)) {
		return false
	}
	r.at += len(word)
	return true
}

// null reads a null, which stands for a field that is not given, if there is one.
func (r *reader) null() bool { return r.peek() == 'n' && r.word("null") }

// object reads an object; field is called with each name and reads its value.
func (r *reader) object(field func(name []byte) bool) bool {
	if !r.take('{') {
		return false
	}
	if r.take('}') {
		return true
	}
	for {
		name, ok := r.text()
		if !ok || !r.take(':') || !field(name) {
			return false
		}
		if !r.take(',') {
			return r.take('}')
		}
	}
}

// list reads a list; element reads each value.
func (r *reader) list(element func() bool) bool {
	if !r.take('[') {
		return false
	}
	if r.take(']') {
		return true
	}
	for {
		if !element() {
			return false
		}
		if !r.take(',') {
			return r.take(']')
		}
	}
}

// listLen returns how many values the list of numbers that comes next seems to have: with their
// commas, at most one for every two of its bytes.
func (r *reader) listLen() int {
	rest := r.data[r.at:]
	if end := bytes.IndexByte(rest, ']'); end >= 0 {
		rest = rest[:end]
	}
	return min(bytes.Count(rest, []byte{','}), len(rest)/2) + 1
}

// text reads a string without escapes. What it returns is a part of the data.
func (r *reader) text() ([]byte, bool) {
	if !r.take('"') {
		return nil, false
	}
	start, ascii := r.at, true
	for ; r.at < len(r.data); r.at++ {
		switch c := r.data[r.at]; {
		case c == '"':
			text := r.data[start:r.at]
			r.at++
			return text, ascii || utf8.Valid(text)
		case c < ' ' || c == '\\':
			return nil, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, false
}

// once notes the field of that bit as given and reports whether it is so for the first time.
func once(seen *uint, bit uint) bool {
	first := *seen&(1<<bit) == 0
	*seen |= 1 << bit
	return first
}

func (r *reader) stringField(v *string) bool {
	if r.null() {
		return true
	}
	text, ok := r.text()
	*v = string(text)
	return ok
}

func (r *reader) boolField(v *bool) bool {
	switch r.peek() {
	case 't':
		*v = true
		return r.word("true")
	case 'f':
		return r.word("false")
	default:
		return r.null()
	}
}

// uintField reads a number of digits only; given says whether there was one.
func (r *reader) uintField(v *uint32) (given, ok bool) {
	if r.null() {
		return false, true
	}
	r.peek()
	digits, n := scanDigits(r.data[r.at:], 0)
	const most = 10 // digits of math.MaxUint32
	if n == 0 || n > most || digits > math.MaxUint32 || n > 1 && r.data[r.at] == '0' {
		return false, false
	}
	r.at += n
	*v = uint32(digits)
	return true, true
}

// scanDigits adds the digits that data begins with to value, and returns how many they are. The
// sum is right for up to 19 digits in all.
func scanDigits(data []byte, value uint64) (uint64, int) {
	n := 0
	for n < len(data) && '0' <= data[n] && data[n] <= '9' {
		value = value*10 + uint64(data[n]-'0')
		n++
	}
	return value, n
}

// number reads a number and returns its text too; exact says that value holds it exactly as the
// quotient of two numbers that have no rounding error, so that it need not be parsed.
func (r *reader) number() (value float64, text []byte, exact, ok bool) {
	r.peek()
	start := r.at
	rest := r.data[start:]
	negative := len(rest) > 0 && rest[0] == '-'
	if negative {
		rest = rest[1:]
	}
	digits, whole := scanDigits(rest, 0)
	if whole == 0 || whole > 1 && rest[0] == '0' {
		return 0, nil, false, false
	}
	rest = rest[whole:]
	fraction := 0
	if len(rest) > 0 && rest[0] == '.' {
		if digits, fraction = scanDigits(rest[1:], digits); fraction == 0 {
			return 0, nil, false, false
		}
		rest = rest[1+fraction:]
	}
	exponent, ok := scanExponent(rest)
	if !ok {
		return 0, nil, false, false
	}
	r.at = len(r.data) - len(rest) + exponent
	text = r.data[start:r.at]
	if exponent > 0 || whole+fraction > exactDigits {
		return 0, text, false, true
	}
	value = float64(digits) / powersOfTen[fraction]
	if negative {
		value = -value
	}
	return value, text, true, true
}

// scanExponent returns the length of the exponent that data begins with, 0 without one.
func scanExponent(data []byte) (int, bool) {
	if len(data) == 0 || data[0]|0x20 != 'e' {
		return 0, true
	}
	n := 1
	if len(data) > 1 && (data[1] == '+' || data[1] == '-') {
		n++
	}
	_, digits := scanDigits(data[n:], 0)
	return n + digits, digits > 0
}

// exactDigits is how many decimal digits every double has. A number of no more, and a power of
// ten of no more than 22, are doubles themselves, so that their quotient is rounded once: to the
// double that is nearest.
const exactDigits = 15

//nolint:gochecknoglobals // constants, which Go has no other form for
var powersOfTen = [exactDigits + 1]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

func (r *reader) double() (float64, bool) {
	value, text, exact, ok := r.number()
	if exact || !ok {
		return value, ok
	}
	value, err := strconv.ParseFloat(string(text), 64)
	return value, err == nil
}

func (r *reader) float() (float32, bool) {
	_, text, _, ok := r.number()
	if !ok {
		return 0, false
	}
	value, err := strconv.ParseFloat(string(text), 32)
	return float32(value), err == nil
}
