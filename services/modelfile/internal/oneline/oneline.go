// Package oneline makes texts that quote a model file fit to be shown.
package oneline

import (
	"strings"
	"unicode"
)

// MaxBytes bounds what Text returns.
const MaxBytes = 400

// Text makes a text that quotes a file fit for one line of a log: without its middle where that
// is long, and without what is no UTF-8, cannot be seen or moves a cursor.
func Text(text string) string {
	const head, tail = 200, 180
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
	if len(text) <= MaxBytes {
		return text
	}
	return strings.ToValidUTF8(text[:head], "") + " … " + strings.ToValidUTF8(text[len(text)-tail:], "")
}
