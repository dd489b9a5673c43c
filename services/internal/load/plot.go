package load

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// Plot says what a plot shows beside the latency.
type Plot struct {
	// Title stands above it, Subtitle below that.
	Title, Subtitle string
	// MaxP99 draws the limit of the 99th percentile. 0: none.
	MaxP99 time.Duration
	// Lag draws the send lag too.
	Lag bool
}

// Sizes of the plot, in its own units.
const (
	plotWidth, plotHeight = 880.0, 480.0
	plotLeft, plotRight   = 84.0, 852.0
	plotTop, plotBottom   = 100.0, 412.0
)

// The classes of the plot are coloured here, so that it can be read on light and on dark.
const plotStyle = `
    svg { color-scheme: light dark; font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; }
    .paper { fill: #fff } text { fill: #24292f } .quiet { fill: #57606a }
    .title { font-size: 17px; font-weight: 600 } 
    .value { font-weight: 600; paint-order: stroke; stroke: #fff; stroke-width: 4px; stroke-linejoin: round }
    .grid { stroke: #d8dee4; stroke-width: 1 } .axis { stroke: #8c959f; stroke-width: 1 }
    .latency { fill: none; stroke: #0b62c4; stroke-width: 2.5; stroke-linejoin: round }
    .lag { fill: none; stroke: #8a5a00; stroke-width: 2; stroke-dasharray: 7 4 }
    .limit { stroke: #c1121f; stroke-width: 1.5; stroke-dasharray: 2 4 } .limit-text { fill: #c1121f }
    .mark { fill: #0b62c4; stroke: #fff; stroke-width: 2 }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117 } text { fill: #e6edf3 } .quiet { fill: #9da7b3 }
      .grid { stroke: #2b323b } .axis { stroke: #6e7681 }
      .latency { stroke: #6cb6ff } .lag { stroke: #e3b341 }
      .limit { stroke: #ff7b72 } .limit-text { fill: #ff7b72 }
      .mark { fill: #6cb6ff; stroke: #0d1117 } .value { stroke: #0d1117 }
    }
  `

// WriteSVG draws the latency by percentile, as a picture that needs nothing else. The percentiles
// are on a scale of nines: 90 %, 99 %, 99.9 % and so on are as far from one another, so that the
// slowest requests have their room. Without any latency the picture says so.
func (r *Result) WriteSVG(w io.Writer, p Plot) error {
	c := newCanvas(r, p)
	c.head(r, p)
	if r.Answered == 0 {
		c.text("quiet", plotWidth/2, plotHeight/2, "middle", "no request was answered")
	} else {
		c.grid()
		c.limit(p.MaxP99)
		if p.Lag {
			c.curve("lag", &r.Lag)
		}
		c.curve("latency", &r.Latency)
		c.marks(&r.Latency)
		c.legend(p)
	}
	c.out.WriteString("</svg>\n")
	_, err := c.out.WriteTo(w)
	return err
}

// canvas is a plot being drawn.
type canvas struct {
	out       bytes.Buffer
	nines     float64 // the right end of the scale: 3 is 99.9 %
	low, high float64 // the ends of the scale of times, as powers of 10 of a nanosecond
}

func newCanvas(r *Result, p Plot) *canvas {
	c := &canvas{nines: 2}
	if n := r.Latency.Count(); n > 100 {
		c.nines = math.Min(math.Log10(float64(n)), 6)
	}
	low, high := max(r.Latency.Min(), time.Microsecond), max(r.Latency.Max(), p.MaxP99, 2*time.Microsecond)
	c.low, c.high = roundedDown(low), -roundedDown(-high)
	if p.Lag {
		// A lag of next to nothing is left below the scale.
		c.low = math.Min(c.low, roundedDown(max(r.Lag.Quantile(0.5), 10*time.Microsecond)))
		c.high = math.Max(c.high, -roundedDown(-r.Lag.Max()))
	}
	return c
}

// roundedDown returns the logarithm of the largest time of 1, 2 or 5 times a power of ten that is
// no longer; of a time made negative, that of the smallest that is no shorter, made negative.
func roundedDown(d time.Duration) float64 {
	up := d < 0
	log := math.Log10(math.Max(math.Abs(float64(d)), 1))
	decade := math.Floor(log)
	steps := []float64{0, math.Log10(2), math.Log10(5), 1}
	const slack = 1e-9
	if up {
		for _, s := range steps {
			if decade+s >= log-slack {
				return -(decade + s)
			}
		}
	}
	for i := len(steps) - 1; i > 0; i-- {
		if decade+steps[i] <= log+slack {
			return decade + steps[i]
		}
	}
	return decade
}

func (c *canvas) x(nines float64) float64 { return plotLeft + nines/c.nines*(plotRight-plotLeft) }

func (c *canvas) y(d time.Duration) float64 {
	at := (math.Log10(math.Max(float64(d), 1)) - c.low) / (c.high - c.low)
	return plotBottom - math.Min(math.Max(at, 0), 1)*(plotBottom-plotTop)
}

func (c *canvas) head(r *Result, p Plot) {
	fmt.Fprintf(&c.out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" role="img" aria-labelledby="title desc">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&c.out, "  <title id=\"title\">%s</title>\n  <desc id=\"desc\">%s</desc>\n", escaped(p.Title), escaped(description(r, p)))
	fmt.Fprintf(&c.out, "  <style>%s</style>\n", plotStyle)
	fmt.Fprintf(&c.out, `  <rect class="paper" width="%.0f" height="%.0f"/>`+"\n", plotWidth, plotHeight)
	c.text("title", plotLeft, 34, "start", p.Title)
	for i, line := range wrapped(p.Subtitle, 112) {
		c.text("quiet", plotLeft, 56+18*float64(i), "start", line)
	}
}

// wrapped breaks a text after a comma into lines of at most so many characters, where it can.
func wrapped(text string, most int) []string {
	if len(text) <= most {
		return []string{text}
	}
	at := strings.LastIndex(text[:most], ", ")
	if at < 0 {
		return []string{text}
	}
	return append([]string{text[:at+1]}, wrapped(text[at+2:], most)...)
}

// description says in words what the picture shows.
func description(r *Result, p Plot) string {
	if r.Answered == 0 {
		return "No request was answered."
	}
	parts := []string{"Latency by percentile, both axes logarithmic."}
	if p.Subtitle != "" {
		parts = append(parts, p.Subtitle+".")
	}
	for _, m := range markedQuantiles {
		parts = append(parts, fmt.Sprintf("%s: %s.", m.name, Rounded(r.Latency.Quantile(m.q))))
	}
	parts = append(parts, fmt.Sprintf("Longest: %s.", Rounded(r.Latency.Max())))
	if p.MaxP99 > 0 {
		parts = append(parts, fmt.Sprintf("The limit of the 99th percentile is %s.", Rounded(p.MaxP99)))
	}
	return strings.Join(parts, " ")
}

func (c *canvas) grid() {
	for i := 0.0; i <= c.nines+1e-9; i++ {
		c.line("grid", c.x(i), plotTop, c.x(i), plotBottom)
		c.text("quiet", c.x(i), plotBottom+20, "middle", percentileName(int(i)))
	}
	half := -math.Log10(0.5)
	c.line("grid", c.x(half), plotTop, c.x(half), plotBottom)
	c.text("quiet", c.x(half), plotBottom+20, "middle", "50 %")
	few := c.high-c.low <= 3 // else only powers of ten have room
	for decade := math.Floor(c.low); decade <= c.high+1e-9; decade++ {
		for _, step := range []float64{1, 2, 5} {
			at := decade + math.Log10(step)
			if at < c.low-1e-9 || at > c.high+1e-9 || step > 1 && !few {
				continue
			}
			d := time.Duration(math.Round(math.Pow(10, at)))
			c.line("grid", plotLeft, c.y(d), plotRight, c.y(d))
			c.text("quiet", plotLeft-8, c.y(d)+4, "end", Rounded(d))
		}
	}
	c.line("axis", plotLeft, plotBottom, plotRight, plotBottom)
	c.line("axis", plotLeft, plotTop, plotLeft, plotBottom)
	c.text("quiet", (plotLeft+plotRight)/2, plotBottom+42, "middle", "share of the requests answered within that time")
}

// percentileName names a power of ten of the share left: 0 is "0 %", 1 "90 %", 3 "99.9 %".
func percentileName(nines int) string {
	switch nines {
	case 0:
		return "0 %"
	case 1:
		return "90 %"
	case 2:
		return "99 %"
	default:
		return "99." + strings.Repeat("9", nines-2) + " %"
	}
}

func (c *canvas) limit(d time.Duration) {
	if d <= 0 {
		return
	}
	c.line("limit", plotLeft, c.y(d), plotRight, c.y(d))
	c.text("limit-text", plotLeft+8, c.y(d)+16, "start", "limit of p99: "+Rounded(d))
}

// curve draws the distribution, in steps too fine to be seen.
func (c *canvas) curve(class string, d *Distribution) {
	const points = 400
	var path strings.Builder
	for i := range points + 1 {
		nines := c.nines * float64(i) / points
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&path, "%s%s %s", command, coordinate(c.x(nines)), coordinate(c.y(d.Quantile(1-math.Pow(10, -nines)))))
	}
	fmt.Fprintf(&c.out, `  <path class="%s" d="%s"/>`+"\n", class, path.String())
}

var markedQuantiles = []struct {
	q    float64
	name string
}{{0.5, "p50"}, {0.9, "p90"}, {0.99, "p99"}, {0.999, "p99.9"}}

func (c *canvas) marks(d *Distribution) {
	for _, m := range markedQuantiles {
		nines := -math.Log10(1 - m.q)
		if nines > c.nines+1e-9 {
			continue
		}
		x, y := c.x(nines), c.y(d.Quantile(m.q))
		fmt.Fprintf(&c.out, `  <circle class="mark" cx="%s" cy="%s" r="5"/>`+"\n", coordinate(x), coordinate(y))
		anchor, dx, dy := "end", -9.0, -10.0
		if x-plotLeft < 100 { // no room on the left
			anchor, dx, dy = "start", 6, 20
		}
		c.text("value", x+dx, y+dy, anchor, m.name+" "+Rounded(d.Quantile(m.q)))
	}
}

func (c *canvas) legend(p Plot) {
	at := plotRight
	entry := func(class, name string, width float64) {
		c.text("quiet", at, plotHeight-10, "end", name)
		at -= width
		c.line(class, at-34, plotHeight-14, at-4, plotHeight-14)
		at -= 56
	}
	if p.Lag {
		entry("lag", "how late requests were sent", 186)
	}
	entry("latency", "latency", 52)
}

func (c *canvas) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(&c.out, `  <line class="%s" x1="%s" y1="%s" x2="%s" y2="%s"/>`+"\n", class, coordinate(x1), coordinate(y1), coordinate(x2), coordinate(y2))
}

func (c *canvas) text(class string, x, y float64, anchor, text string) {
	fmt.Fprintf(&c.out, `  <text class="%s" x="%s" y="%s" text-anchor="%s">%s</text>`+"\n", class, coordinate(x), coordinate(y), anchor, escaped(text))
}

func coordinate(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

func escaped(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(text)) // a strings.Builder takes everything
	return out.String()
}

// Rounded returns a time to three digits, as people read it: "12.3 ms", "850 µs", "2 s".
func Rounded(d time.Duration) string {
	v, unit := float64(d), "ns"
	for _, next := range []string{"µs", "ms", "s"} {
		if math.Abs(v) < 999.5 {
			break
		}
		v, unit = v/1000, next
	}
	digits := 0
	if v != 0 {
		digits = max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	}
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text + " " + unit
}
