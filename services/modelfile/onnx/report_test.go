package onnx

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	single32 = "the weights are float32, widened exactly; " +
		"probabilities are worked out in float64 and differ from a float32 runtime's by about 1e-7"
)

func TestReport(t *testing.T) {
	t.Parallel()
	_, r := decode(t, readFile(t, "iris_scaler_linear_zipmap.onnx"))
	if r.Format != "ONNX, ai.onnx 13, ai.onnx.ml 1" || r.Producer != "hand-made" ||
		r.Graph != "Scaler → LinearClassifier → Normalizer → ZipMap" || r.FeatureNames ||
		!slices.Equal(r.Folded, []string{"Scaler of 4 columns into the weights"}) || !slices.Equal(r.Notes, []string{single32}) {
		t.Errorf("got %+v", r)
	}
	m, r := decode(t, readFile(t, "skl_named_columns.onnx"))
	if r.Producer != "skl2onnx 1.20.0" || !r.FeatureNames || m.Signature().Feature(2).Name != "petal_length" {
		t.Errorf("got %+v", r)
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	s, three := newSample(1, 2, 2), newSample(2, 3, 2)
	dense := slices.Concat(in("X", 11, 2), s.dense("X"), op("Softmax", list{"z"}, list{"p"}))
	tests := []struct {
		name string
		file []byte
		want []string
	}{
		{"double, labels told", file(dense, op("ArgMax", list{"z"}, list{"best"}, aInt("axis", 1)), texts("names", []int64{2}, "a", "b"),
			ml("ArrayFeatureExtractor", list{"names", "best"}, list{"label"}), out("label", "p")), nil},
		{"no labels", file(dense, out("p")), []string{"the file does not name the classes; they are called 0 to 1"}},
		{"other outputs", regression(out("X", "p"), op("ArgMax", list{"p"}, list{"best"}, aInt("axis", 1)), out("best")),
			[]string{`the output "X", columns of the input, is left out`, single32}},
		{"scores too", file(dense, op("ArgMax", list{"z"}, list{"best"}, aInt("axis", 1)), texts("names", []int64{2}, "a", "b"),
			ml("ArrayFeatureExtractor", list{"names", "best"}, list{"label"}), out("label", "z", "p")),
			[]string{`the output "z", raw scores, is left out`}},
		{"sigmoids too", file(in("X", 11, 2), three.dense("X"), op("Sigmoid", list{"z"}, list{"s"}),
			op("LpNormalization", list{"s"}, list{"p"}, aInt("p", 1)), ints("names", []int64{3}, 1, 2, 3),
			op("Identity", list{"names"}, list{"labels"}), out("labels", "s", "p")),
			[]string{`the output "s", a sigmoid per class, is left out`}},
		{"labels renamed", regression(ml("LabelEncoder", list{"label"}, list{"n"}, aInts("keys_int64s", 0, 1), aTexts("values_strings", "a", "b")),
			ml("ZipMap", list{"p"}, list{"m"}, aInts("classlabels_int64s", 0, 1)), out("n", "m")),
			[]string{"the classes have the names of the labels, not the keys of the probabilities", single32}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, r := decode(t, test.file); !slices.Equal(r.Notes, test.want) {
				t.Errorf("got %q, expected %q", r.Notes, test.want)
			}
		})
	}
}

// Inputs of one column each, many of them, scaled one by one, make no endless report.
func TestReportIsShort(t *testing.T) {
	t.Parallel()
	var parts [][]byte
	var scaled list
	const n = 100
	for i := range n {
		name := "feature" + strings.Repeat("i", i+1)
		parts = append(parts, in(name, 1, 1), ml("Scaler", list{name}, list{"scaled" + name}, aFloats("offset", 1), aFloats("scale", 2)))
		scaled = append(scaled, "scaled"+name)
	}
	parts = append(parts, op("Concat", scaled, list{"u"}, aInt("axis", 1)),
		newSample(1, 2, n).classifier("u", aInts("classlabels_ints", 0, 1), aText("post_transform", "SOFTMAX")), out("label", "p"))
	_, r := decode(t, file(parts...))
	if r.Graph != "Scaler ×100 → Concat → LinearClassifier" {
		t.Errorf("graph %q", r.Graph)
	}
	if len(r.Folded) != 17 || r.Folded[16] != "and 84 more" {
		t.Errorf("folded %q", r.Folded)
	}
}

func TestNamesAreQuotedInOneShortLine(t *testing.T) {
	t.Parallel()
	_, _, err := Decode(regression(out("\x1b[2J\n\xff" + strings.Repeat("long ", 1000))))
	if err == nil || len(err.Error()) > 200 || strings.ContainsAny(err.Error(), "\x1b\n") || !utf8.ValidString(err.Error()) {
		t.Errorf("got %q", err)
	}
}
