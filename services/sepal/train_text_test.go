package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/trainer"
)

func TestConfusionIsAligned(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	writeConfusion(&out, []string{"no", "überraschend lang", "tab\t"}, []uint32{12345, 0, 1, 2, 3, 4, 5, 6, 78})
	const want = `  true \ predicted      no  überraschend lang  "tab\t"
  no                 12345                  0        1
  überraschend lang      2                  3        4
  "tab\t"                5                  6       78

`
	if got := out.String(); got != want {
		t.Errorf("got\n%s, expected\n%s", got, want)
	}
	out.Reset()
	writeConfusion(&out, make([]string, 21), nil)
	if !strings.Contains(out.String(), "of 21 classes is too large to show") {
		t.Errorf("got %s", out.String())
	}
}

func TestLongNamesAreShortOnATerminal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Bonn":                           "Bonn",
		strings.Repeat("z", 60):          strings.Repeat("z", 60),
		strings.Repeat("z", 61):          strings.Repeat("z", 60) + "…",
		"z" + strings.Repeat("é", 1<<20): "z" + strings.Repeat("é", 29) + "…",
		"tab\t":                          `"tab\t"`,
	} {
		if got := shortName(text); got != want {
			t.Errorf("%.80q is shown as %.80q, expected %q", text, got, want)
		}
	}
}

func TestASchemaWithoutEndIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "schema.json")
	if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := readAtMost(path, 5); string(data) != "12345" || err != nil {
		t.Errorf("got %q and the error %v", data, err)
	}
	if _, err := readAtMost(path, 4); err == nil || !strings.HasSuffix(err.Error(), "has more than 4 bytes") {
		t.Errorf("error is %v", err)
	}
}

func TestProgressOnATerminalIsOneLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Unix(1, 0)
	progress := newTrainProgress(&process{stderr: &out, terminal: true})
	progress.now = func() time.Time { return now }
	for i := range 4 {
		progress.show(trainer.Progress{Stage: trainer.FinalFit, Iteration: i + 1, Objective: 12.5, GradientMax: 0.25})
		now = now.Add(redrawEvery / 2)
	}
	progress.clear()
	const want = "\r\x1b[Kfinal fit: iteration 1, objective 12.5, gradient 0.25" +
		"\r\x1b[Kfinal fit: iteration 3, objective 12.5, gradient 0.25\r\x1b[K"
	if got := out.String(); got != want {
		t.Errorf("got %q, expected %q", got, want)
	}
}

func TestProgressThatWasNotDrawnIsNotCleared(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	newTrainProgress(&process{stderr: &out, terminal: true}).clear()
	if out.Len() > 0 {
		t.Errorf("got %q", out.String())
	}
}
