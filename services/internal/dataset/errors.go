package dataset

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Error says what is wrong with a file or a database, and where.
type Error struct {
	// Path is the name of the file, as it was given; of a database, without its password.
	Path string
	// Line is the line of a text file, the header of a CSV file being line 1; 0: the file as a
	// whole, or a file that has no lines.
	Line int
	// Row is the row, from 1, of what has no lines: a Parquet file, an array, the result of a
	// query; 0: the whole of it.
	Row int
	// Column is the name of the column, as in the header; empty: the line as a whole.
	Column string
	// Problem says what is wrong and what was expected.
	Problem string
	// Err is the cause, such as an error of the file system; nil where the content is at fault.
	Err error
}

func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString(e.Path)
	if e.Line > 0 {
		text.WriteString(":" + strconv.Itoa(e.Line))
	}
	text.WriteString(": ")
	if e.Row > 0 {
		text.WriteString("row " + strconv.Itoa(e.Row) + ": ")
	}
	if e.Column != "" {
		text.WriteString("column " + strconv.Quote(brief(e.Column)) + ": ")
	}
	text.WriteString(e.Problem)
	if e.Err != nil {
		text.WriteString(": " + e.Err.Error())
	}
	return text.String()
}

func (e *Error) Unwrap() error { return e.Err }

// maxShown bounds, in bytes, what an error text shows of a text of the data, which may have
// millions.
const maxShown = 80

// brief returns a text for an error text: its beginning, where it is long.
func brief[T string | []byte](text T) string {
	if len(text) <= maxShown {
		return string(text)
	}
	end := maxShown
	for end > maxShown-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return string(text[:end]) + "…"
}

const maxNamesListed = 20

// listNames lists names for an error text; where there are many, the first and the last of
// them, where labels often stand.
func listNames(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(brief(name))
	}
	if skipped := len(names) - maxNamesListed; skipped > 0 {
		const last = 5
		quoted = slices.Concat(quoted[:maxNamesListed-last], []string{"(" + strconv.Itoa(skipped) + " more)"}, quoted[len(names)-last:])
	}
	return strings.Join(quoted, ", ")
}
