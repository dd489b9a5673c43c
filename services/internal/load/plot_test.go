package load

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// resultOf returns the result of n requests, each taking a microsecond longer than the one
// before, after the first of them.
func resultOf(n int, first time.Duration) *Result {
	r := &Result{Answered: uint64(n), Latency: newDistribution(), Lag: newDistribution()}
	for i := range n {
		r.Latency.record(first + time.Duration(i)*time.Microsecond)
		r.Lag.record(time.Duration(i) * time.Microsecond)
	}
	return r
}

func TestPlotIsWellFormed(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*Result{
		"none":   resultOf(0, 0),
		"one":    resultOf(1, time.Nanosecond),
		"few":    resultOf(100, time.Millisecond),
		"many":   resultOf(20_000, 200*time.Microsecond),
		"minute": resultOf(10, time.Minute),
	} {
		for _, p := range []Plot{{}, {Title: `<b>&"'`, Subtitle: strings.Repeat("long, ", 50), MaxP99: time.Second, Lag: true}} {
			var svg bytes.Buffer
			if err := r.WriteSVG(&svg, p); err != nil {
				t.Fatal(err)
			}
			elements, texts := parsed(t, name, svg.Bytes())
			if texts["title"] != p.Title || texts["desc"] == "" || elements["svg"] != 1 || elements["style"] != 1 {
				t.Errorf("%s: elements are %v, the title %q, the description %q", name, elements, texts["title"], texts["desc"])
			}
			curves := 1
			if p.Lag {
				curves = 2
			}
			if r.Answered > 0 && elements["path"] != curves || r.Answered == 0 && elements["path"] != 0 {
				t.Errorf("%s has %d curves", name, elements["path"])
			}
			for _, bad := range []string{"NaN", "Inf", "href", "url(", "@import", "<script"} {
				if bytes.Contains(svg.Bytes(), []byte(bad)) {
					t.Errorf("%s has %q in it:\n%s", name, bad, svg.String())
				}
			}
		}
	}
}

// parsed returns how often each element occurs, and the text of the last of each.
func parsed(t *testing.T, name string, svg []byte) (elements map[string]int, texts map[string]string) {
	t.Helper()
	elements, texts = map[string]int{}, map[string]string{}
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	open := ""
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return elements, texts
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			open = token.Name.Local
			elements[open]++
			texts[open] = ""
		case xml.CharData:
			texts[open] += string(token)
		case xml.EndElement:
			open = ""
		}
	}
}

func TestPlotShowsItsFigures(t *testing.T) {
	t.Parallel()
	var svg bytes.Buffer
	if err := resultOf(2000, time.Millisecond).WriteSVG(&svg, Plot{Title: "T", MaxP99: 2500 * time.Microsecond}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{">p50 2 ms<", ">p90 2.8 ms<", ">p99 2.98 ms<", ">p99.9 3 ms<", "limit of p99: 2.5 ms", ">99.9 %<", "Longest: 3 ms.", ">50 %<"} {
		if !strings.Contains(svg.String(), want) {
			t.Errorf("%q is not in the plot:\n%s", want, svg.String())
		}
	}
	if strings.Contains(svg.String(), "99.99 %") {
		t.Error("the scale has a percentile that 2000 requests say nothing of")
	}
}

func TestRounded(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0 ns", 7: "7 ns", 999: "999 ns", 1000: "1 µs", 12_345: "12.3 µs", 850_400: "850 µs", 999_400: "999 µs", 999_600: "1 ms",
		1_234_567: "1.23 ms", 20_000_000: "20 ms", 2 * time.Second: "2 s", 61_500 * time.Millisecond: "61.5 s", time.Hour: "3600 s",
	} {
		if got := Rounded(d); got != want {
			t.Errorf("%d is shown as %q, expected %q", d, got, want)
		}
	}
}
