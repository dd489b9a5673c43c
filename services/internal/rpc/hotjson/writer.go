package hotjson

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// writer appends JSON. Fields end with a comma, which the end of their object takes back.
type writer struct {
	out    []byte
	failed bool
}

func (w *writer) raw(text string) { w.out = append(w.out, text...) }

// end puts the closing bracket over the comma of the last element, or after the opening one.
func (w *writer) end(bracket byte) {
	if last := len(w.out) - 1; w.out[last] == ',' {
		w.out[last] = bracket
	} else {
		w.out = append(w.out, bracket)
	}
}

// text writes the name, which is the opening of a field such as `"model":`, and its value.
func (w *writer) text(name, value string) {
	w.raw(name)
	w.quoted(value)
	w.out = append(w.out, ',')
}

func (w *writer) double(name string, value float64) {
	w.raw(name)
	w.number(value)
	w.out = append(w.out, ',')
}

func (w *writer) uint(name string, value uint32) {
	w.raw(name)
	w.out = strconv.AppendUint(w.out, uint64(value), 10)
	w.out = append(w.out, ',')
}

func (w *writer) bool(name string, value bool) {
	w.raw(name)
	w.out = strconv.AppendBool(w.out, value)
	w.out = append(w.out, ',')
}

func (w *writer) texts(name string, values []string) {
	w.raw(name)
	w.out = append(w.out, '[')
	for _, value := range values {
		w.quoted(value)
		w.out = append(w.out, ',')
	}
	w.end(']')
	w.out = append(w.out, ',')
}

func (w *writer) doubles(name string, values []float64) {
	w.raw(name)
	w.out = append(w.out, '[')
	for _, value := range values {
		w.number(value)
		w.out = append(w.out, ',')
	}
	w.end(']')
	w.out = append(w.out, ',')
}

func (w *writer) uints(name string, values []uint32) {
	w.raw(name)
	w.out = append(w.out, '[')
	for _, value := range values {
		w.out = strconv.AppendUint(w.out, uint64(value), 10)
		w.out = append(w.out, ',')
	}
	w.end(']')
	w.out = append(w.out, ',')
}

// number writes a double as the protobuf module does: like JavaScript, and what is no number of
// JSON as a string.
func (w *writer) number(value float64) {
	switch {
	case math.IsNaN(value):
		w.raw(`"NaN"`)
		return
	case math.IsInf(value, 0):
		if value > 0 {
			w.raw(`"Infinity"`)
		} else {
			w.raw(`"-Infinity"`)
		}
		return
	}
	abs := math.Abs(value)
	if abs == 0 || abs >= 1e-6 && abs < 1e21 {
		w.out = strconv.AppendFloat(w.out, value, 'f', -1, 64)
		return
	}
	w.out = strconv.AppendFloat(w.out, value, 'e', -1, 64)
	// Go has two digits in an exponent at least; a zero before the last is left out.
	if n := len(w.out); w.out[n-4] == 'e' && w.out[n-3] == '-' && w.out[n-2] == '0' {
		w.out[n-2] = w.out[n-1]
		w.out = w.out[:n-1]
	}
}

// quoted writes a string.
func (w *writer) quoted(text string) {
	w.out = append(w.out, '"')
	start, ascii := 0, true
	for i := range len(text) {
		c := text[i]
		if c >= utf8.RuneSelf {
			ascii = false
		}
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		w.raw(text[start:i])
		w.escaped(c)
		start = i + 1
	}
	w.raw(text[start:])
	w.out = append(w.out, '"')
	if !ascii && !utf8.ValidString(text) {
		w.failed = true
	}
}

func (w *writer) escaped(c byte) {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		w.out = append(w.out, '\\', c)
	case '\b':
		w.raw(`\b`)
	case '\f':
		w.raw(`\f`)
	case '\n':
		w.raw(`\n`)
	case '\r':
		w.raw(`\r`)
	case '\t':
		w.raw(`\t`)
	default:
		w.out = append(w.out, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
	}
}
