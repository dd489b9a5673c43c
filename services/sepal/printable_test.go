package main

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/testenv"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

func TestNamesCannotCommandTheTerminal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"sepal width": "sepal width", "größe": "größe", "\x1b[2J": `"\x1b[2J"`, "a\nb": `"a\nb"`, "\u202eabc": `"\u202eabc"`,
	} {
		if got := printable(text); got != want {
			t.Errorf("%q is printed as %s, expected %s", text, got, want)
		}
	}
}

func TestErrorsCannotCommandTheTerminal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"is \"wide\", expected größe": "is \"wide\", expected größe", "a\r\nb\n": "a; b",
		"no \x1b]0;title\a": `no \x1b]0;title\a`, "no \u202eabc 'x'\u009b": `no \u202eabc 'x'\u009b`,
	} {
		if got := printableLine(text); got != want {
			t.Errorf("%q is printed as %s, expected %s", text, got, want)
		}
	}
}

const clearScreen = "\x1b[2J"

// hostileModel writes a model whose every name clears the screen, and returns its path.
func hostileModel(t *testing.T) string {
	t.Helper()
	data, err := native.Encode(&modelv1.Model{
		FormatVersion: native.FormatVersion,
		Name:          "hostile",
		Version:       "v1.0.0",
		Signature: &modelv1.Signature{Features: []*modelv1.Feature{
			{Name: "size" + clearScreen, Unit: "cm" + clearScreen, Kind: &modelv1.Feature_Numeric{Numeric: &modelv1.NumericFeature{}}},
			{Name: "colour" + clearScreen, Kind: &modelv1.Feature_Categorical{Categorical: &modelv1.CategoricalFeature{
				Categories: []string{"red" + clearScreen, "blue" + clearScreen}, Impute: proto.String("red" + clearScreen),
			}}},
		}},
		Classes:    []string{"no" + clearScreen, "yes" + clearScreen},
		Weights:    []float64{-1, 1, 0, 1, 0, 1},
		Intercepts: []float64{0, 0.5},
	}, native.Binary)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "hostile.binpb")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestModelsAndServersCannotCommandTheTerminal(t *testing.T) {
	t.Parallel()
	path := hostileModel(t)
	o := testenv.Options()
	o.ModelPath, o.DefaultModel = path, ""
	address := testenv.Start(t, o).Address
	tests := []struct {
		name string
		args []string
		want []string
	}{
		{"inspect", []string{"inspect", path}, []string{`"no\x1b[2J", "yes\x1b[2J"`, `"size\x1b[2J"`, `"cm\x1b[2J"`, `"colour\x1b[2J=blue\x1b[2J"`, `missing: "red\x1b[2J"`}},
		{"prediction", []string{"predict", "1", "blue" + clearScreen, "--explain"}, []string{`"yes\x1b[2J", `, `Why "yes\x1b[2J" rather than "no\x1b[2J"`, `1 "cm\x1b[2J"`, `"blue\x1b[2J"`, `"colour\x1b[2J"`}},
		{"refusal", []string{"predict", "1", "green"}, []string{`colour\x1b[2J is the string "green"`}},
		{"count", []string{"predict", "1"}, []string{`size\x1b[2J, colour\x1b[2J`}},
	}
	for _, test := range tests {
		from := []string{"-m " + path, "-s " + address}
		if test.args[0] == "inspect" {
			from = []string{""}
		}
		for _, from := range from {
			t.Run(test.name+" "+from, func(t *testing.T) {
				t.Parallel()
				got := sepalCommand(t, "", append(slices.Clone(test.args), strings.Fields(from)...)...).String()
				if strings.ContainsFunc(got, func(r rune) bool { return r != '\n' && unprintable(r) }) {
					t.Errorf("the terminal is commanded by %q", got)
				}
				for _, want := range test.want {
					if !strings.Contains(got, want) {
						t.Errorf("the output lacks %s:\n%s", want, got)
					}
				}
			})
		}
	}
}

func TestDataKeepTheirNames(t *testing.T) {
	t.Parallel()
	path := hostileModel(t)
	args := []string{"predict", "-m", path, "1", "red" + clearScreen, "-o"}
	var answer struct{ Prediction string }
	if err := json.Unmarshal([]byte(sepalCommand(t, "", append(args, "json")...).stdout), &answer); err != nil || answer.Prediction != "yes"+clearScreen {
		t.Errorf("JSON has the class %q, %v", answer.Prediction, err)
	}
	table, err := csv.NewReader(strings.NewReader(sepalCommand(t, "", append(args, "csv")...).stdout)).ReadAll()
	if err != nil || len(table) != 2 || table[1][1] != "yes"+clearScreen {
		t.Errorf("CSV has %q, %v", table, err)
	}
}
