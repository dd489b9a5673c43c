package report

import (
	"html"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// markup is HTML. Constants of the program become markup by themselves; what comes from data has to
// go through [text].
type markup string

// text is data as a reader sees it, between tags and in quoted attributes. What would command the
// reader's browser, such as to show the rest of a line from the right to the left, is marked.
func text(s string) markup { return markup(html.EscapeString(strings.Map(shown, s))) }

func shown(r rune) rune {
	if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
		return unicode.ReplacementChar
	}
	return r
}

// px writes a length, in the units of a drawing.
func px(v float64) markup { return markup(strconv.FormatFloat(v, 'f', 2, 64)) }

func count(n int) markup { return markup(strconv.Itoa(n)) }

// pick returns the one or the other.
func pick(condition bool, yes, no markup) markup {
	if condition {
		return yes
	}
	return no
}

// sheet is a page that is being written. The first error ends it.
type sheet struct {
	out io.Writer
	err error
}

func (s *sheet) put(parts ...markup) {
	for _, part := range parts {
		if s.err == nil {
			_, s.err = io.WriteString(s.out, string(part))
		}
	}
}

// card draws in a box of its own.
func (s *sheet) card(title string, draw func()) {
	s.put(`<div class="card"><h3>`, text(title), "</h3>")
	draw()
	s.put("</div>\n")
}

// begin begins a drawing, which end ends.
func (s *sheet) begin(width, height, title, describe markup) {
	s.put("\n", `<svg role="img" width="`, width, `" height="`, height, `" viewBox="0 0 `, width, " ", height, `">`, "\n",
		"<title>", title, "</title><desc>", describe, "</desc>\n")
}

func (s *sheet) end() { s.put("</svg>") }
