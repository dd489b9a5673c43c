package onnx

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/softmax"
)

// small are files of all kinds, of at most 1500 bytes.
func small(t testing.TB) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	paths, err := filepath.Glob(elsewhere + "*.onnx")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		name := filepath.Base(path)
		if data := readFile(t, name); len(data) <= 1500 {
			files[name] = data
		}
	}
	for _, f := range slices.Concat(classifierForms(), denseForms(), stepForms(), labelForms()) {
		files[f.name] = f.file
	}
	if len(files) < 40 {
		t.Fatalf("%d files, expected 40 or more", len(files))
	}
	return files
}

// fair fails unless the answer is a model that works with a report, or an error of this package,
// and in lines that can be shown.
func fair(t testing.TB, m *softmax.Model, r *Report, err error) {
	t.Helper()
	var format *FormatError
	var unsupported *UnsupportedError
	var texts []string
	switch {
	case err == nil && m != nil && r != nil:
		texts = append(slices.Concat(r.Folded, r.Notes), r.Format, r.Producer, r.Graph)
		if _, err := m.Predict(make([]float64, m.NumClasses()), make([]float64, m.Signature().Len())); err != nil {
			t.Errorf("the model cannot predict a row of zeros: %v", err)
		}
		if len(r.Folded)+len(r.Notes) > 40 {
			t.Errorf("a report of %d lines", len(r.Folded)+len(r.Notes))
		}
	case m != nil || r != nil:
		t.Errorf("a model %v, a report %v and the error %v", m != nil, r != nil, err)
	case errors.As(err, &format):
		texts = []string{format.Problem}
	case errors.As(err, &unsupported):
		texts = []string{unsupported.What, unsupported.Advice}
	default:
		t.Errorf("an error of the type %T", err)
	}
	for _, text := range texts {
		if len(text) > 400 || strings.ToValidUTF8(text, "") != text || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) {
			t.Errorf("a text of %d bytes that is no line: %q", len(text), text)
		}
	}
}

func TestCutShort(t *testing.T) {
	t.Parallel()
	for name, data := range small(t) {
		whole, _, wholeErr := Decode(data)
		for n := range data {
			m, r, err := Decode(data[:n:n])
			fair(t, m, r, err)
			// What is left out at the end may not matter, such as the version of operators that
			// the graph does not have. It must not make another model.
			if err == nil && (wholeErr != nil || !reflect.DeepEqual(m.Definition(), whole.Definition())) {
				t.Errorf("%s, cut to %d bytes, is another model", name, n)
			}
		}
	}
}

func TestBytesChanged(t *testing.T) {
	t.Parallel()
	for _, data := range small(t) {
		damaged := slices.Clone(data)
		for i, b := range data {
			for _, change := range []byte{1, 8, 128, 255} {
				damaged[i] = b ^ change
				m, r, err := Decode(damaged)
				fairOrOverflow(t, m, r, err)
			}
			damaged[i] = b
		}
	}
}

// fairOrOverflow is fair, but that weights changed to huge ones may overflow.
func fairOrOverflow(t testing.TB, m *softmax.Model, r *Report, err error) {
	t.Helper()
	if err != nil {
		fair(t, m, r, err)
	}
	if err == nil && (m == nil || r == nil || m.NumClasses() < 2) {
		t.Error("neither a model nor an error")
	}
}

// greedy are files that ask for more memory or time than they should get.
func greedy() map[string][]byte {
	s := newSample(1, 2, 2)
	classifier := s.classifier("X", aInts("classlabels_ints", 0, 1))
	twice, chain, scaled, weighed := [][]byte{in("X", 1, 2)}, [][]byte{in("X", 1, 2), classifier}, [][]byte{in("X", 1, 2)}, [][]byte{in("X", 1, 2)}
	for i := range 9_000 {
		from, to := fmt.Sprint("c", i), fmt.Sprint("c", i+1)
		if i == 0 {
			from = "X"
		}
		twice = append(twice, op("Concat", list{from, from}, list{to}, aInt("axis", 1)))
		scaled = append(scaled, ml("Scaler", list{from}, list{to}, aFloats("offset", 1), aFloats("scale", 2)))
		weighed = append(weighed, op("Gather", list{"X", "many"}, list{fmt.Sprint("g", i)}, aInt("axis", 1)), out(fmt.Sprint("g", i)))
		if i == 0 {
			from = "p"
		}
		chain = append(chain, op("Identity", list{from}, list{to}))
	}
	many := ints("many", []int64{500_000}, make([]int64, 500_000)...)
	wide := make([]int64, 200_000)
	for i := range wide {
		wide[i] = int64(i)
	}
	return map[string][]byte{
		"columns twice as many in each node": file(append(twice, out("c9000"))...),
		"scaled in each node":                file(append(scaled, out("c9000"))...),
		"handed on by each node":             file(append(chain, op("Softmax", list{"c9000"}, list{"q"}), out("q"))...),
		"half a million columns, again":      file(append(weighed, many)...),
		"2^40 columns":                       file(in("X", 1, 1<<40), out("X")),
		"a constant of 2^40 values":          file(msg(5, tensorBody("w", 1, []int64{1 << 20, 1 << 20}))),
		"many classes, many features": file(in("X", 1, 400_000), in("Y", 1, 1), ml("LinearClassifier", list{"Y"}, list{"label", "p"},
			aInts("classlabels_ints", wide...), aFloats("coefficients", make([]float32, len(wide))...), aText("post_transform", "SOFTMAX")), out("p"),
			floats("pad", []int64{400_000}, make([]float32, 400_000)...)),
		"a million nodes":   file(slices.Repeat(msg(1), 1_000_000)),
		"a million names":   file(msg(1, slices.Repeat(str(1, ""), 1_000_001))),
		"a million numbers": file(msg(5, tensorBody("w", 7, nil, msg(7, make([]byte, 1_000_001))))),
	}
}

// TestGreedyFiles is not parallel: it counts what is allocated.
func TestGreedyFiles(t *testing.T) {
	for name, data := range greedy() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		m, r, err := Decode(data)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		fair(t, m, r, err)
		if name == "handed on by each node" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		} else if err == nil {
			t.Errorf("%s: a model", name)
		}
		made := after.TotalAlloc - before.TotalAlloc
		if most := uint64(8<<20 + 150*len(data)); made > most {
			t.Errorf("%s: %d bytes allocated for a file of %d, expected at most %d", name, made, len(data), most)
		}
		if took > 5*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		t.Logf("%s: file of %d kB, %d kB allocated, %v: %v", name, len(data)>>10, made>>10, took, err)
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	_, _, err := Decode(make([]byte, MaxBytes+1))
	if want := "no valid ONNX model: 67108865 bytes are more than the 67108864 that are read"; err == nil || err.Error() != want {
		t.Errorf("got %v, expected %s", err, want)
	}
}
