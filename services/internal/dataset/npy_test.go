package dataset

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

// npyOf returns an array file of the version: the header as it is given, and the elements.
func npyOf(version byte, description string, elements ...any) []byte {
	file := append([]byte(npyMagic), version, 0)
	if version == 1 {
		file = binary.LittleEndian.AppendUint16(file, uint16(len(description)))
	} else {
		file = binary.LittleEndian.AppendUint32(file, uint32(len(description)))
	}
	file = append(file, description...)
	for _, element := range elements {
		var err error
		if file, err = binary.Append(file, binary.LittleEndian, element); err != nil {
			panic(err)
		}
	}
	return file
}

func npyHeaderOf(dtype, order, shape string) string {
	return fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", dtype, order, shape)
}

func TestNPYTypesAndOrders(t *testing.T) {
	t.Parallel()
	tests := []struct {
		dtype    string
		elements any
		want     []float64
	}{
		{"<f4", []float32{1.5, -2, 3, 4, 0, 6}, []float64{1.5, -2, 3, 4, 0, 6}},
		{"<f8", []float64{1e-9, -2, 3, 4, 0, 1e100}, []float64{1e-9, -2, 3, 4, 0, 1e100}},
		{"<i4", []int32{1, math.MinInt32, 3, 4, 0, 6}, []float64{1, math.MinInt32, 3, 4, 0, 6}},
		{"<i8", []int64{1, -2, 1 << 40, 4, 0, 6}, []float64{1, -2, 1 << 40, 4, 0, 6}},
		{"|u1", []byte{1, 255, 3, 4, 0, 6}, []float64{1, 255, 3, 4, 0, 6}},
		{"|b1", []byte{1, 0, 1, 1, 0, 1}, []float64{1, 0, 1, 1, 0, 1}},
	}
	labels := npyOf(1, npyHeaderOf("<i8", "False", "(2,)"), []int64{7, -3})
	for i, test := range tests {
		for _, order := range []string{"False", "True"} {
			t.Run(test.dtype+" fortran "+order, func(t *testing.T) {
				t.Parallel()
				array := npyOf(byte(1+i%3), npyHeaderOf(test.dtype, order, "(2, 3)"), test.elements)
				s := Source{Path: fileOf(t, "x.npy", array), Labels: fileOf(t, "y.npy", labels)}
				table := mustLoad(t, s, Options{})
				want := test.want
				if order == "True" {
					want = []float64{want[0], want[2], want[4], want[1], want[3], want[5]}
				}
				if !slices.Equal(table.Rows, want) {
					t.Errorf("rows are %v, expected %v", table.Rows, want)
				}
				if !slices.Equal(table.Classes, []string{"-3", "7"}) || !slices.Equal(table.Labels, []int{1, 0}) || table.Label != "label" {
					t.Errorf("labels are %v of %q", table.Labels, table.Classes)
				}
			})
		}
	}
}

func TestNPYLabels(t *testing.T) {
	t.Parallel()
	array := npyOf(1, npyHeaderOf("<f8", "False", "(2, 3)"), []float64{1, 2, 0, 3, 4, 1})
	runes := func(texts ...string) []rune {
		var all []rune
		for _, text := range texts {
			all = append(append(all, []rune(text)...), make([]rune, 4-len([]rune(text)))...)
		}
		return all
	}
	tests := []struct {
		name   string
		labels []byte
		want   []string
	}{
		{"texts", npyOf(1, npyHeaderOf("<U4", "False", "(2,)"), runes("né", "yes")), []string{"né", "yes"}},
		{"a column of texts", npyOf(1, npyHeaderOf("<U4", "False", "(2, 1)"), runes("a", "bcde")), []string{"a", "bcde"}},
		{"booleans", npyOf(1, npyHeaderOf("|b1", "False", "(2,)"), []byte{0, 1}), []string{"false", "true"}},
		{"floats", npyOf(1, npyHeaderOf("<f4", "False", "(2,)"), []float32{0.1, 2}), []string{"0.1", "2"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			table := mustLoad(t, Source{Path: fileOf(t, "x.npy", array), Labels: fileOf(t, "y", test.labels)}, Options{Label: "kind"})
			if !slices.Equal(table.Classes, test.want) || table.Label != "kind" {
				t.Errorf("classes are %q, expected %q", table.Classes, test.want)
			}
		})
	}
	t.Run("a column of the array", func(t *testing.T) {
		t.Parallel()
		table := mustLoad(t, Source{Path: fileOf(t, "x.npy", array)}, Options{Label: "f3", Weight: "f1"})
		if !slices.Equal(table.Rows, []float64{2, 4}) || !slices.Equal(table.Classes, []string{"0", "1"}) || !slices.Equal(table.Weights, []float64{1, 3}) {
			t.Errorf("got %+v", table)
		}
	})
}

func TestNPYWithGapsAndCategories(t *testing.T) {
	t.Parallel()
	array := npyOf(1, npyHeaderOf("<f8", "True", "(3, 3)"), []float64{10, 9, 10, 1, math.NaN(), 3, 0, 1, 1})
	table := mustLoad(t, Source{Path: fileOf(t, "x.npy", array)}, Options{Label: "f3", Categorical: []string{"f1"}, Impute: true})
	if !slices.Equal(table.Rows, []float64{0, 1, 1, 2, 0, 3}) || !slices.Equal(table.Missing[1], []int{1}) {
		t.Errorf("rows are %v, missing %v", table.Rows, table.Missing)
	}
	if got := table.Signature.Feature(0); !slices.Equal(got.Categories, []string{"10", "9"}) {
		t.Errorf("categories are %q", got.Categories)
	}
}

func TestNPYRefuses(t *testing.T) {
	t.Parallel()
	numbers := func(dtype, shape string, elements any) []byte {
		return npyOf(1, npyHeaderOf(dtype, "False", shape), elements)
	}
	good := numbers("<f8", "(2, 1)", []float64{1, 2})
	labels := numbers("|u1", "(2,)", []byte{0, 1})
	tests := []struct {
		name          string
		array, labels []byte
		options       Options
		want          string // after the path
	}{
		{"no header", []byte(npyMagic), labels, Options{}, `x.npy: is no array of numpy: it does not begin with "\x93NUMPY" and a version`},
		{"a version to come", append([]byte(npyMagic+"\x04\x00"), make([]byte, 9)...), labels, Options{}, "x.npy: has version 4 of numpy's format, expected 1, 2 or 3"},
		{"a header cut off", []byte(npyMagic + "\x01\x00\x40\x00{'descr'"), labels, Options{}, "x.npy: ends within its header: unexpected EOF"},
		{"a huge header", []byte(npyMagic + "\x02\x00\xff\xff\xff\xff{"), labels, Options{}, "x.npy: has a header of 4294967295 bytes, at most 65536 are expected"},
		{"objects", numbers("|O", "(2, 1)", []byte("pickle")), labels, Options{},
			"x.npy: holds Python objects, whose pickles are never read; save numbers, such as array.astype('<f8'), and texts as '<U'"},
		{"a structured array", npyOf(1, "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2,), }", []float64{1, 2}), labels, Options{},
			"x.npy: is a structured array; save its columns as one array of '<f8', or as CSV"},
		{"halves", numbers("<f2", "(2, 1)", []int16{1, 2}), labels, Options{},
			`x.npy: has the dtype "<f2", expected <f4, <f8, <i4, <i8, |u1 or |b1: save array.astype('<f8')`},
		{"texts", numbers("<U1", "(2, 1)", []rune("ab")), labels, Options{}, "x.npy: holds texts, expected numbers; texts can be labels only, in a file of their own"},
		{"one dimension", numbers("<f8", "(2,)", []float64{1, 2}), labels, Options{}, "x.npy: has 1 dimensions, expected 2: rows and columns"},
		{"no rows", numbers("<f8", "(0, 2)", []float64{}), labels, Options{}, "x.npy: has no rows or no columns"},
		{"a huge shape", numbers("<f8", "(4000000000, 1000)", []float64{1}), labels, Options{},
			"x.npy: holds 8 bytes of elements, but the shape [4000000000 1000] of <f8 has 32000000000000"},
		{"a shape beyond 64 bits", numbers("<f8", "(4000000000, 4000000000)", []float64{1}), labels, Options{},
			"x.npy: has the shape [4000000000 4000000000], more than a file can hold"},
		{"a shape of many digits", numbers("<f8", "(99999999999999999999, 1)", []float64{1}), labels, Options{},
			"x.npy: has the shape (99999999999999999999, 1), which no memory holds"},
		{"elements left over", numbers("<f8", "(1, 1)", []float64{1, 2}), labels, Options{}, "x.npy: holds 16 bytes of elements, but the shape [1 1] of <f8 has 8"},
		{"no labels", good, nil, Options{}, `x.npy: no label column was named, the array has "f1"`},
		{"fewer labels", good, numbers("|u1", "(1,)", []byte{1}), Options{}, "y.npy: has 1 labels, expected 2, one for each row"},
		{"labels of two dimensions", good, numbers("|u1", "(1, 2)", []byte{1, 2}), Options{}, "y.npy: has 2 dimensions, expected 1: a label for each row"},
		{"an empty label", good, numbers("<U1", "(2,)", []rune{'a', 0}), Options{}, `y.npy: row 2: column "label": the label is missing; every row needs one`},
		{"a missing value", numbers("<f8", "(2, 1)", []float64{1, math.NaN()}), labels, Options{},
			`x.npy: row 2: column "f1": the value is missing ("NaN"); impute missing values, or remove the row`},
		{"an infinite value", numbers("<f8", "(2, 1)", []float64{1, math.Inf(-1)}), labels, Options{},
			`x.npy: row 2: column "f1": "-Inf" is not a finite number of at most 1e+150 in magnitude`},
		{"a category that the schema lacks", good, labels, Options{Schema: signature(t, softmax.Feature{Name: "f1", Categories: []string{"1", "3"}})},
			`x.npy: row 2: column "f1": "2" is none of the 2 categories that the schema has: "1", "3"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := Source{Path: fileOf(t, "x.npy", test.array)}
			if test.labels != nil {
				s.Labels = fileOf(t, "y.npy", test.labels)
			}
			table, err := Load(t.Context(), s, test.options)
			expectOwnError(t, table, err)
			if got := err.Error(); !strings.HasSuffix(got, "/"+test.want) {
				t.Errorf("error is\n%s, expected the end\n%s", got, test.want)
			}
		})
	}
}

func FuzzNPY(f *testing.F) {
	f.Add(npyOf(1, npyHeaderOf("<f8", "False", "(2, 2)"), []float64{1, 0, 2, 1}))
	f.Add(npyOf(2, npyHeaderOf("|u1", "True", "(2, 2)"), []byte{1, 0, 2, 1}))
	f.Add(npyOf(3, npyHeaderOf("<U1", "False", "(2, 1)"), []rune("ab")))
	f.Add(npyOf(1, npyHeaderOf("<f4", "False", "(1000000, 1000000)"), []byte{1}))
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) < len(npyMagic) {
			return
		}
		copy(content, npyMagic)
		path := fileOf(t, "x.npy", content)
		for _, s := range []Source{{Path: path}, {Path: path, Labels: path}} {
			table, err := Load(t.Context(), s, Options{Label: "f1", Impute: true})
			if err != nil {
				expectOwnError(t, table, err)
			} else if len(table.Rows) > len(content) {
				t.Fatalf("%d values of a file of %d bytes", len(table.Rows), len(content))
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	})
}
