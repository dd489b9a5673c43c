package onnx

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
)

// raw is a constant whose values are bytes.
func raw(name string, kind int64, dims []int64, size int, values ...uint64) []byte {
	var b []byte
	for _, v := range values {
		b = append(b, binary.LittleEndian.AppendUint64(nil, v)[:size]...)
	}
	return msg(5, tensorBody(name, kind, dims, msg(9, b)))
}

// TestOddForms reads graphs that other converters, older versions and optimisers leave.
func TestOddForms(t *testing.T) {
	t.Parallel()
	one, two, three := newSample(1, 1, 2), newSample(2, 2, 3).opposite(), newSample(3, 3, 2)
	var bits []uint64
	for _, w := range one.weights {
		bits = append(bits, uint64(math.Float32bits(float32(w))))
	}
	minus := func(x uint64) uint64 { return -x }
	softmax := aText("post_transform", "SOFTMAX")
	tests := []struct {
		name  string
		file  []byte
		k     []string
		x     []float64
		naive []float64
	}{{
		name: "one sigmoid, constants among the inputs, as bytes, cast and reshaped",
		file: fileAt(9, in("X", 11, 2), in("w", 1, -1), in("b", 1, -1), raw("w", 1, []int64{2}, 4, bits...), floats("b", nil, float32(one.bias[0])),
			ints("shape", []int64{2}, 2, -1), op("Reshape", list{"w", "shape"}, list{"w2"}), op("Cast", list{"w2"}, list{"w3"}, aInt("to", 11)),
			op("Flatten", list{"X"}, list{"flat"}), op("MatMul", list{"flat", "w3"}, list{"xw"}), op("Add", list{"b", "xw"}, list{"z"}),
			op("Sigmoid", list{"z"}, list{"p"}), out("p")),
		k: []string{"0", "1"}, x: []float64{0.5, -2},
		naive: []float64{1 - naiveSigmoid(one.scores([]float64{0.5, -2})[0]), naiveSigmoid(one.scores([]float64{0.5, -2})[0])},
	}, {
		name: "scores turned, stretched and moved",
		file: file(in("X", 11, 3), two.dense("X"), op("Constant", nil, list{"k"}, aFloats("value_floats", 1, -1)),
			op("Sub", list{"k", "z"}, list{"z1"}), op("Constant", nil, list{"m"}, aFloat("value_float", 0.5)), op("Mul", list{"m", "z1"}, list{"z2"}),
			op("Softmax", list{"z2"}, list{"p"}), op("LpNormalization", list{"p"}, list{"q"}, aInt("p", 1)), out("q")),
		k: []string{"0", "1"}, x: []float64{1, 2, 3},
		naive: naiveSoftmax(each(two.scores([]float64{1, 2, 3}), func(i int, z float64) float64 { return 0.5 * (1 - 2*float64(i) - z) })),
	}, {
		name: "names gathered by position, as int32 bytes, cast to strings and mapped",
		file: file(in("X", 11, 2), three.dense("X"), op("Softmax", list{"z"}, list{"p"}), op("ArgMax", list{"p"}, list{"best"}, aInt("axis", -1)),
			raw("names", 6, []int64{3}, 4, minus(3), 7, 11), op("Gather", list{"names", "best"}, list{"n"}), op("Cast", list{"n"}, list{"s"}, aInt("to", 8)),
			ml("LabelEncoder", list{"s"}, list{"label"}, aTexts("keys_strings", "-3", "7", "11"), aInts("values_int64s", 2, 4, 8)), out("label", "p")),
		k: []string{"2", "4", "8"}, x: []float64{1, -1}, naive: naiveSoftmax(three.scores([]float64{1, -1})),
	}, {
		name: "strings to positions, as LabelEncoder did in version 1",
		file: file(in("X", 1, 2), three.classifier("X", aTexts("classlabels_strings", "c", "a", "b"), softmax),
			ml("LabelEncoder", list{"label"}, list{"n"}, aTexts("classes_strings", "a", "b", "c")), out("n", "p")),
		k: []string{"2", "0", "1"}, x: []float64{1, 1}, naive: naiveSoftmax(three.scores([]float64{1, 1})),
	}, {
		name: "inputs of several widths, no intercepts",
		file: file(in("pair", 1, 2), in("one", 1, 1), ml("FeatureVectorizer", list{"one", "pair"}, list{"u"}, aInts("inputdimensions", 1, 2)),
			raw("shape", 7, []int64{2}, 8, minus(1), 3), op("Reshape", list{"u", "shape"}, list{"v"}),
			raw("order", 7, []int64{3}, 8, minus(3), 2, 1), ml("ArrayFeatureExtractor", list{"v", "order"}, list{"r"}),
			ml("LinearClassifier", list{"r"}, list{"label", "p"}, aFloats("coefficients", single(two.weights)...), aInts("classlabels_ints", 0, 1), softmax),
			out("label", "p")),
		k: []string{"0", "1"}, x: []float64{4, 5, 6},
		naive: naiveSoftmax(each(two.scores([]float64{6, 5, 4}), func(i int, z float64) float64 { return z - two.bias[i] })),
	}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m, r := decode(t, test.file)
			got, _ := ask(t, m, test.x)
			within(t, test.name, got, test.naive, 1e-12)
			if classes := m.Definition().Classes; !slices.Equal(classes, test.k) {
				t.Errorf("classes %q, expected %q", classes, test.k)
			}
			if r.FeatureNames || m.Signature().Feature(0).Name != "x0" {
				t.Errorf("first feature %q", m.Signature().Feature(0).Name)
			}
		})
	}
}
