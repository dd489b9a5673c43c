package report

import (
	"strings"
	"unicode"
)

// Widths of letters as they are in drawings, in the units of these. Fonts differ: they are those of
// a wide one.
const (
	narrowLetter = 4.5
	letter       = 7.5
	wideLetter   = 12.5
	accent       = 0.5 // takes no room, but there may be any number of them

	narrowLetters = "ijltfrI.,:;'|!()[]{}`-/ "
	wideLetters   = "mwMWQO@%&…—"
)

// widthOf returns how much room a text takes at most, in about.
func widthOf(text string) float64 {
	width := 0.0
	for _, r := range text {
		width += runeWidth(r)
	}
	return width
}

func runeWidth(r rune) float64 {
	// Scripts whose letters are as wide as high begin with Hangul.
	const square = 0x1100
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return accent
	case r >= square || strings.ContainsRune(wideLetters, r):
		return wideLetter
	case strings.ContainsRune(narrowLetters, r):
		return narrowLetter
	case unicode.IsUpper(r):
		return letter + 1
	}
	return letter
}

// clipped cuts a text at its end where it is too long for its place.
func clipped(text string, room float64) string {
	if widthOf(text) <= room {
		return text
	}
	const cut = "…"
	width := runeWidth('…')
	for i, r := range text {
		if width += runeWidth(r); width > room {
			return text[:i] + cut
		}
	}
	return text
}
