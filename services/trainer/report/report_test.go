package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/trainer"
	"github.com/sepal-ml/sepal/services/trainer/report"
)

// tableOf reads a CSV text with the label y.
func tableOf(t *testing.T, text string) *dataset.Table {
	t.Helper()
	table, err := dataset.Read(t.Context(), strings.NewReader(text), "data.csv", dataset.Options{Label: "y", Impute: true})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func trained(t *testing.T, table *dataset.Table, change func(*trainer.Options)) *trainer.Result {
	t.Helper()
	o := trainer.DefaultOptions()
	o.Name = "test"
	change(&o)
	result, err := trainer.Train(t.Context(), o, table)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func pageOf(t *testing.T, table *dataset.Table, result *trainer.Result) string {
	t.Helper()
	var out bytes.Buffer
	if err := report.Write(&out, table, result); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// rows returns a table of a number, a category and as many classes; the names are of its columns.
func rows(number, category string, classes []string, n int) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s,%s,y\n", number, category)
	for i := range n {
		k := (i + i*i/7) % len(classes)
		fmt.Fprintf(&text, "%d,%s,%s\n", (i*37)%50+3*k, []string{"red", "green", "blue"}[(i/3+k)%3], classes[k])
	}
	return text.String()
}

func tuned(o *trainer.Options) { o.Grid, o.Calibrate = []float64{0.01, 0.1, 1, 10}, true }

func TestThePageShowsEverything(t *testing.T) {
	t.Parallel()
	table := tableOf(t, rows("size", "colour", []string{"a", "b", "c"}, 150))
	page := pageOf(t, table, trained(t, table, tuned))
	for _, want := range []string{
		"test v1.0.0", "150 rows of 2 features from data.csv", "sha256:" + table.Digest,
		"<h3>Confusion matrix</h3>", "<h3>ROC curves</h3>", "<h3>Reliability</h3>", "<h3>Choice of C</h3>", "<h3>Weights of b</h3>",
		"<th scope=\"row\">Temperature</th>", "<th scope=\"row\">Brier score</th>", "colour=green", "<h3>size</h3>", "Categories of colour",
		"prefers-color-scheme: dark", `<svg role="img"`, "<desc>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, foreign := range []string{"<script", "http://", "https://", "@import", "url(", "<link", "<img", "NaN", "Inf", "ZgotmplZ"} {
		if strings.Contains(page, foreign) {
			t.Errorf("the page has %q", foreign)
		}
	}
}

func TestEveryDrawingHasATitleAndADescription(t *testing.T) {
	t.Parallel()
	table := tableOf(t, rows("size", "colour", []string{"a", "b"}, 90))
	page := pageOf(t, table, trained(t, table, tuned))
	drawings := regexp.MustCompile(`(?s)<svg .*?</svg>`).FindAllString(page, -1)
	if len(drawings) < 6 {
		t.Fatalf("%d drawings, expected classes, matrix, curves, reliability, tuning, weights and features", len(drawings))
	}
	for _, drawing := range drawings {
		if !regexp.MustCompile(`^<svg role="img"[^>]*>\s*<title>[^<]+</title><desc>[^<]+</desc>`).MatchString(drawing) {
			t.Errorf("a drawing begins with %.120s", drawing)
		}
		decoder := xml.NewDecoder(strings.NewReader(drawing))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Errorf("%v in %.200s", err, drawing)
				break
			}
		}
	}
}

func TestHostileNamesAreTexts(t *testing.T) {
	t.Parallel()
	const attack = `<script>alert('x')</script>`
	const quote = `"><svg onload=alert(1)>`
	header := `"` + attack + `","` + strings.ReplaceAll(quote, `"`, `""`) + `",y` + "\n"
	text := rows("n", "c", []string{"<b>bold", "</svg>"}, 80)
	table := tableOf(t, header+text[strings.IndexByte(text, '\n')+1:])
	table.Path = "<i>.csv"
	page := pageOf(t, table, trained(t, table, tuned))
	for _, raw := range []string{"<script", "<svg onload", "<b>", "<i>"} {
		if strings.Contains(page, raw) {
			t.Errorf("the page has %s", raw)
		}
	}
	for _, shown := range []string{"&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;", "&lt;svg onload=", "&lt;b&gt;bold"} {
		if !strings.Contains(page, shown) {
			t.Errorf("the page does not show %s", shown)
		}
	}
	if open, closed := strings.Count(page, "<svg "), strings.Count(page, "</svg>"); open != closed {
		t.Errorf("%d drawings open and %d close", open, closed)
	}
}

// TestTextsCommandNoBrowser: neither by characters that end a line or turn it round, nor by bytes
// that are no characters.
func TestTextsCommandNoBrowser(t *testing.T) {
	t.Parallel()
	table := tableOf(t, rows("a\u202eb", "c\u2066d\u2028e", []string{"f\x01g", "h\u200fi"}, 80))
	table.Path = "j\x00k\xffl.csv"
	page := pageOf(t, table, trained(t, table, tuned))
	if !utf8.ValidString(page) {
		t.Error("the page is no UTF-8")
	}
	for _, raw := range []string{"\u202e", "\u2066", "\u200f", "\x00", "\x01"} {
		if strings.Contains(page, raw) {
			t.Errorf("the page has %q", raw)
		}
	}
	for _, shown := range []string{"a\ufffdb", "c\ufffdd\u2028e", "f\ufffdg", "h\ufffdi", "j\ufffdk\ufffdl.csv"} {
		if !strings.Contains(page, shown) {
			t.Errorf("the page does not show %q", shown)
		}
	}
}

// TestLongNamesAreCutAtTheirEnds, so that as much of them fits in as the letters are wide.
func TestLongNamesAreCutAtTheirEnds(t *testing.T) {
	t.Parallel()
	wide, narrow, square := strings.Repeat("W", 60), strings.Repeat("i", 60), strings.Repeat("列", 60)
	table := tableOf(t, rows("size", "colour", []string{wide, narrow, square, "short"}, 120))
	page := pageOf(t, table, trained(t, table, tuned))
	names := regexp.MustCompile(`<text class="end" x="([0-9.]+)" y="[0-9.]+"[^>]*>([^<]*)<`).FindAllStringSubmatch(page, -1)
	seen := map[string]int{}
	for _, name := range names {
		end, err := strconv.ParseFloat(name[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		// Letters as wide as high, and dots of no width.
		label, cut := strings.CutSuffix(name[2], "…")
		letter, _ := utf8.DecodeRuneInString(label)
		switch letter {
		case 'W', '列':
			if !cut || float64(12*utf8.RuneCountInString(label)) > end {
				t.Errorf("%q ends at %v", name[2], end)
			}
		case 'i':
			if !cut || len(label) < 20 {
				t.Errorf("%q ends at %v, where more would fit in", name[2], end)
			}
		default:
			if cut {
				t.Errorf("%q is cut", name[2])
			}
			continue
		}
		seen[string(letter)]++
	}
	for _, letter := range []string{"W", "i", "列"} {
		if seen[letter] < 2 { // bars and the matrix
			t.Errorf("%s is shown %d times", letter, seen[letter])
		}
	}
	if !strings.Contains(page, "<title>"+wide+"</title>") {
		t.Error("the whole name cannot be seen")
	}
}

func TestThePageOfLittle(t *testing.T) {
	t.Parallel()
	table := tableOf(t, "x,y\n1,a\n1,b\n")
	result := trained(t, table, func(o *trainer.Options) { o.HoldOut, o.Folds = 0, 0 })
	page := pageOf(t, table, result)
	for _, absent := range []string{"Rows held out", "Cross-validation", "Confusion matrix", "NaN", "Inf"} {
		if strings.Contains(page, absent) {
			t.Errorf("the page has %s", absent)
		}
	}
	if !strings.Contains(page, "all are 1") {
		t.Error("the page does not show the constant feature")
	}
}

func TestThePageOfManyClasses(t *testing.T) {
	t.Parallel()
	var classes []string
	for k := range 25 {
		classes = append(classes, fmt.Sprintf("class %02d", k))
	}
	table := tableOf(t, rows("size", "colour", classes, 500))
	page := pageOf(t, table, trained(t, table, func(o *trainer.Options) { o.Folds = 0 }))
	for _, want := range []string{"The matrix of 25 classes is too large to draw.", "5 more are not drawn.", "15 more classes are not drawn."} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
