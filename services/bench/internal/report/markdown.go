package report

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// WriteMarkdown writes the report as a table, and below it where and how it was measured.
func (r *Report) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("| what | Sepal | peer | ratio | target | |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, l := range r.Lines {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n",
			cell(l.Name), l.ours(), l.theirs(), l.ratio(), l.target(), l.outcome())
	}
	fmt.Fprintf(&b, "\n%s.\n%s.\n", r.Method, r.Machine)
	if l := r.null(); l != nil && l.Verdict == Missed {
		b.WriteString("\n**Two processes of the same program differ by more than 7 %: the machine was too busy, and the figures above are worth nothing.**\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// NullGroup is the group of the line that measures a server against itself.
const NullGroup = "null"

func (r *Report) null() *Line {
	for i := range r.Lines {
		if r.Lines[i].Group == NullGroup {
			return &r.Lines[i]
		}
	}
	return nil
}

func (l Line) ours() string {
	if l.Ours == nil {
		return "–"
	}
	return quantity(*l.Ours, l.Unit)
}

func (l Line) theirs() string {
	switch {
	case l.Peer == "":
		return ""
	case l.Theirs == nil:
		return cell(l.Peer)
	}
	return quantity(*l.Theirs, l.Unit) + ", " + cell(l.Peer)
}

func (l Line) ratio() string {
	if l.Ratio == nil {
		return ""
	}
	return fmt.Sprintf("%s = **%s** [%s–%s]", cell(l.Ratio.Of), Number(l.Ratio.Value), Number(l.Ratio.Low), Number(l.Ratio.High))
}

func (l Line) target() string {
	if l.Target == nil {
		return ""
	}
	unit := l.Unit
	if l.Ratio != nil {
		unit = ""
	}
	switch t := l.Target; {
	case t.AtLeast == nil && t.AtMost == nil:
		return ""
	case t.AtLeast == nil:
		return "≤ " + quantity(*t.AtMost, unit)
	case t.AtMost == nil:
		return "≥ " + quantity(*t.AtLeast, unit)
	default:
		return Number(*t.AtLeast) + " – " + quantity(*t.AtMost, unit)
	}
}

func (l Line) outcome() string {
	text := string(l.Verdict)
	switch l.Verdict {
	case Informs:
		text = ""
	case Missed, Failed:
		text = "**" + text + "**"
	default:
	}
	if l.Note == "" {
		return text
	}
	if text == "" {
		return cell(l.Note)
	}
	return text + ": " + cell(l.Note)
}

// cell returns a text that stays in its cell.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}

func quantity(v float64, unit string) string {
	return strings.TrimSpace(Number(v) + " " + unit)
}

// Number writes a number to three digits, with the thousands of large ones apart.
func Number(v float64) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	before := int(math.Floor(math.Log10(math.Abs(v)))) + 1 // digits before the point
	if before <= 3 {
		return strconv.FormatFloat(v, 'f', min(3-before, 6), 64)
	}
	scale := math.Pow10(before - 3)
	digits := strconv.FormatFloat(math.Round(v/scale)*scale, 'f', 0, 64)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteRune(' ')
		}
		b.WriteRune(d)
	}
	return b.String()
}

func (m Method) String() string {
	return fmt.Sprintf("Rounds of %s s in fresh processes, the median of %d, the least and the largest in brackets; servers on processor %d with GOMAXPROCS=1, their clients on processor %d",
		Number(m.Seconds), m.Rounds, m.ServerCPU, m.LoadCPU)
}
