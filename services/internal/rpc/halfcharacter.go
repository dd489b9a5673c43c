package rpc

import (
	"bytes"
	"strconv"
	"unicode/utf16"
)

// lengthOfEscape is how many bytes a character takes as \u and four digits.
const lengthOfEscape = 6

// halfCharacter returns the first escape in JSON that is one of a pair without the other, as where a
// program has cut a text between the two, or "". The rest of the JSON must be well formed.
func halfCharacter(data []byte) string {
	for {
		i := bytes.IndexByte(data, '\\')
		if i < 0 || i+1 == len(data) {
			return ""
		}
		data = data[i:]
		first, ok := escaped(data)
		switch {
		case !ok:
			data = data[2:]
		case !utf16.IsSurrogate(first):
			data = data[lengthOfEscape:]
		default:
			second, _ := escaped(data[lengthOfEscape:])
			if utf16.DecodeRune(first, second) == replacement {
				return string(data[:lengthOfEscape])
			}
			data = data[2*lengthOfEscape:]
		}
	}
}

// replacement is what utf16.DecodeRune returns for what is no pair.
const replacement = '\uFFFD'

// escaped returns the UTF-16 unit that data begins with as \u and four digits.
func escaped(data []byte) (rune, bool) {
	if len(data) < lengthOfEscape || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(data[2:lengthOfEscape]), 16, 16)
	return rune(unit), err == nil
}
