package main

import (
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

const begin, end = "<!-- tables -->\n\n", "\n<!-- end of tables -->"

// TestPage holds the tables of the page against what the program says of the figures that are kept
// beside it.
func TestPage(t *testing.T) {
	t.Parallel()
	var o options
	parser, err := kong.New(&o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{"--bench", "testdata/bench.json"}); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if err := run(&got, o); err != nil {
		t.Fatal(err)
	}
	const path = "../../scaling.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), begin)
	tables, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for tables", path)
	}
	if os.Getenv("SEPAL_UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(before+begin+got.String()+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		tables = got.String()
	}
	if diff := cmp.Diff(got.String(), tables); diff != "" {
		t.Errorf("%s is not what the program says; run `task golden:update` (-program +page):\n%s", path, diff)
	}
}

// TestWrong tells apart what may be wrong.
func TestWrong(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		options options
		want    string
	}{
		{options{Bench: "testdata/none.json"}, "run `task bench` first"},
		{options{Bench: "main.go"}, "main.go: invalid character"},
		{options{Bench: "testdata/bench.json", Cores: 2, Utilisation: 1.5}, "testdata/bench.json: the utilisation is 1.5, expected more than 0 and less than 1"},
	} {
		if err := run(new(strings.Builder), test.options); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, expected %q", err, test.want)
		}
	}
}
