package main

import (
	"strconv"
	"strings"
	"unicode"
)

// printable returns a text of a file or a server as a terminal may show it: in quotes, with
// escapes, if there are characters in it that command a terminal.
func printable(text string) string {
	if strings.ContainsFunc(text, unprintable) {
		return strconv.Quote(text)
	}
	return text
}

// printableLine returns a text of our own that may quote others' as one line that a terminal
// may show: line ends become semicolons, other characters that command a terminal escapes.
func printableLine(text string) string {
	line := strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
	if !strings.ContainsFunc(line, unprintable) {
		return line
	}
	var shown strings.Builder
	for _, r := range line {
		if unprintable(r) {
			shown.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
			continue
		}
		shown.WriteRune(r)
	}
	return shown.String()
}

func printables(texts []string) []string {
	shown := make([]string, len(texts))
	for i, text := range texts {
		shown[i] = printable(text)
	}
	return shown
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }
