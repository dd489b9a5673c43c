package native

import (
	"fmt"
	"strings"
	"unicode"
)

// FormatError says why a model file is refused.
type FormatError struct {
	// Field names the part at fault, such as "signature.features[2].name", or "file".
	Field string
	// Problem says what is wrong with it, in one line.
	Problem string
}

func (e *FormatError) Error() string {
	if e.Field == "file" {
		return "the file " + e.Problem
	}
	return e.Field + ": " + e.Problem
}

func refuse(field, format string, args ...any) error {
	return &FormatError{Field: field, Problem: presentable(fmt.Sprintf(format, args...))}
}

// presentable makes a text that quotes a file fit for one line of a log: without its middle
// where that is long, and without what is no UTF-8 or moves a cursor.
func presentable(text string) string {
	const most, head, tail = 400, 200, 180
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:head], "") + " … " + strings.ToValidUTF8(text[len(text)-tail:], "")
}

// plain returns the text of an error of the protobuf module without its prefix, whose space
// varies between builds.
func plain(err error) string {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	return strings.TrimPrefix(text, "proto: ")
}
