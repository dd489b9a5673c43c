package oneline_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sepal-ml/sepal/services/modelfile/internal/oneline"
)

func TestText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                       "",
		"Scaler → fleur é":       "Scaler → fleur é",
		"a\nb\r\tc":              "a\ufffdb\ufffd\ufffdc",
		"\x1b[31mred":            "\ufffd[31mred",
		"left\u202eright\u2028x": "left\ufffdright\ufffdx",
		"cut \xff short":         "cut \ufffd short",
	} {
		if got := oneline.Text(text); got != want {
			t.Errorf("%q gives %q, expected %q", text, got, want)
		}
	}
	for _, long := range []string{strings.Repeat("é", 1e5), strings.Repeat("\x00", 1e5), "begin" + strings.Repeat("x", 1e5) + "end"} {
		got := oneline.Text(long)
		if len(got) > oneline.MaxBytes || !utf8.ValidString(got) || !strings.Contains(got, " … ") {
			t.Errorf("%.10q… gives %d bytes: %q", long, len(got), got)
		}
	}
	if got := oneline.Text("begin" + strings.Repeat("x", 1e5) + "end"); !strings.HasPrefix(got, "begin") || !strings.HasSuffix(got, "end") {
		t.Errorf("got %q", got)
	}
}
