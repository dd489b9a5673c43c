package onnx

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// The files of these tests are written here, with numbers from a seeded source. What they mean is
// worked out beside them, step by step as the operators say, without folding anything.

// sample are the numbers of a classifier, K × D, and of steps before it.
type sample struct {
	k, d                 int
	weights, bias        []float64 // weights row-major K × D
	offset, scale, stand []float64
}

func newSample(seed uint64, k, d int) *sample {
	random := rand.New(rand.NewPCG(seed, 7))
	draw := func(n int) []float64 {
		values := make([]float64, n)
		for i := range values {
			// Numbers that are the same as float32, so that every form can have them.
			values[i] = float64(float32(random.NormFloat64()))
		}
		return values
	}
	s := &sample{k: k, d: d, weights: draw(k * d), bias: draw(k), offset: draw(d), scale: draw(d), stand: draw(d)}
	for i := range s.scale {
		s.scale[i] = float64(float32(math.Abs(s.scale[i]) + 0.25))
	}
	return s
}

// opposite makes the first of two rows the second's opposite.
func (s *sample) opposite() *sample {
	for j := range s.d {
		s.weights[j] = -s.weights[s.d+j]
	}
	s.bias[0] = -s.bias[1]
	return s
}

func (s *sample) scores(x []float64) []float64 {
	z := make([]float64, s.k)
	for i := range z {
		for j := range x {
			z[i] += s.weights[i*s.d+j] * x[j]
		}
		z[i] += s.bias[i]
	}
	return z
}

// columnMajor returns the weights as D × K.
func (s *sample) columnMajor() []float64 {
	var w []float64
	for j := range s.d {
		for i := range s.k {
			w = append(w, s.weights[i*s.d+j])
		}
	}
	return w
}

func single(values []float64) []float32 {
	rounded := make([]float32, len(values))
	for i, v := range values {
		rounded[i] = float32(v)
	}
	return rounded
}

func naiveSoftmax(z []float64) []float64 {
	sum, p := 0.0, make([]float64, len(z))
	for i := range z {
		p[i] = math.Exp(z[i])
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

func naiveSigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

// eachOf returns the sigmoids of the scores, divided by their sum.
func eachOf(s *sample) func([]float64) []float64 {
	return func(x []float64) []float64 {
		p := each(s.scores(x), func(_ int, z float64) float64 { return naiveSigmoid(z) })
		sum := 0.0
		for _, v := range p {
			sum += v
		}
		return each(p, func(_ int, v float64) float64 { return v / sum })
	}
}

// each returns f of every value of x, with its position.
func each(x []float64, f func(j int, v float64) float64) []float64 {
	y := make([]float64, len(x))
	for j, v := range x {
		y[j] = f(j, v)
	}
	return y
}

// classifier is LinearClassifier with the numbers of s, and its labels.
func (s *sample) classifier(from string, attributes ...[]byte) []byte {
	return ml("LinearClassifier", list{from}, list{"label", "p"}, append([][]byte{
		aFloats("coefficients", single(s.weights)...), aFloats("intercepts", single(s.bias)...),
	}, attributes...)...)
}

// dense is scores as MatMul and Add in float64.
func (s *sample) dense(from string) []byte {
	return slices.Concat(
		op("MatMul", list{from, "w"}, list{"xw"}), op("Add", list{"xw", "b"}, list{"z"}),
		doubles("w", []int64{int64(s.d), int64(s.k)}, s.columnMajor()...), doubles("b", []int64{1, int64(s.k)}, s.bias...))
}

type form struct {
	name     string
	file     []byte
	classes  string
	features string
	graph    string
	folded   []string
	naive    func(x []float64) []float64
	s        *sample
}

// holes says that rows may miss values.
func (f *form) holes() bool { return strings.Contains(f.graph, "Imputer") }

func TestForms(t *testing.T) {
	t.Parallel()
	for _, f := range slices.Concat(classifierForms(), denseForms(), stepForms(), labelForms()) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			m, r := decode(t, f.file)
			var classes, features []string
			for k := range m.NumClasses() {
				classes = append(classes, m.Class(k))
			}
			for _, from := range m.Signature().Features() {
				features = append(features, from.Name)
			}
			if got := strings.Join(classes, " "); got != f.classes {
				t.Errorf("classes %q, expected %q", got, f.classes)
			}
			if got := strings.Join(features, " "); f.features != "" && got != f.features {
				t.Errorf("features %q, expected %q", got, f.features)
			}
			if r.FeatureNames != (f.features != "") {
				t.Errorf("names of features from the file: %v", r.FeatureNames)
			}
			if r.Graph != f.graph {
				t.Errorf("graph %q, expected %q", r.Graph, f.graph)
			}
			if !slices.Equal(r.Folded, f.folded) {
				t.Errorf("folded %q, expected %q", r.Folded, f.folded)
			}
			random := rand.New(rand.NewPCG(9, 9))
			for range 50 {
				x := make([]float64, f.s.d)
				for j := range x {
					x[j] = 2 * random.NormFloat64()
					if f.holes() && random.IntN(3) == 0 {
						x[j] = math.NaN()
					}
				}
				got, _ := ask(t, m, x)
				within(t, f.name, got, f.naive(x), 1e-12)
			}
		})
	}
}

func classifierForms() []form {
	three, two, one := newSample(1, 3, 4), newSample(2, 2, 4).opposite(), newSample(3, 1, 4)
	labels := aInts("classlabels_ints", 0, 1, 2)
	softmaxOf := func(s *sample) func([]float64) []float64 {
		return func(x []float64) []float64 { return naiveSoftmax(s.scores(x)) }
	}
	sigmoidOf := func(s *sample) func([]float64) []float64 {
		return func(x []float64) []float64 {
			z := s.scores(x)[s.k-1]
			return []float64{naiveSigmoid(-z), naiveSigmoid(z)}
		}
	}
	logistic := aText("post_transform", "LOGISTIC")
	return []form{{
		name: "one against the rest",
		file: file(in("X", 1, 4), three.classifier("X", labels, logistic, aInt("multi_class", 1)),
			ml("Normalizer", list{"p"}, list{"q"}, aText("norm", "L1")),
			ml("ZipMap", list{"q"}, list{"map"}, aInts("classlabels_int64s", 0, 1, 2)), out("label", "map")),
		classes: "0 1 2", graph: "LinearClassifier → Normalizer → ZipMap, one against the rest", naive: eachOf(three), s: three,
	}, {
		name: "one against the rest, normalised in another way, its best taken from the sigmoids",
		file: file(in("X", 1, 4), three.classifier("X", labels, logistic), op("Cast", list{"p"}, list{"d"}, aInt("to", 11)),
			op("LpNormalization", list{"d"}, list{"q"}, aInt("p", 1)), op("ArgMax", list{"p"}, list{"best"}, aInt("axis", 1)),
			texts("names", []int64{3}, "a", "b", "c"), ml("ArrayFeatureExtractor", list{"names", "best"}, list{"n"}), out("n", "q")),
		classes: "a b c", graph: "LinearClassifier → Cast → LpNormalization, one against the rest", naive: eachOf(three), s: three,
	}, {
		name:    "multinomial",
		file:    file(in("X", 1, 4), three.classifier("X", labels, aText("post_transform", "SOFTMAX"), aInt("multi_class", 1)), out("label", "p")),
		classes: "0 1 2", graph: "LinearClassifier", naive: softmaxOf(three), s: three,
	}, {
		name: "two rows with a softmax, which is not their sigmoid",
		file: file(in("X", 1, 4), two.classifier("X", aInts("classlabels_ints", -1, 1), aText("post_transform", "SOFTMAX")), out("label", "p")),
		naive: func(x []float64) []float64 {
			z := two.scores(x)[1]
			return []float64{naiveSigmoid(-2 * z), naiveSigmoid(2 * z)}
		},
		classes: "-1 1", graph: "LinearClassifier", s: two,
	}, {
		name: "two rows with sigmoids, width of the input open",
		file: file(in("X", 1, -1), two.classifier("X", aTexts("classlabels_strings", "no", "yes"), aText("post_transform", "LOGISTIC")),
			out("label", "p")),
		classes: "no yes", graph: "LinearClassifier", naive: sigmoidOf(two), s: two,
	}, {
		name: "one row",
		file: file(in("X", 1, 4), one.classifier("X", aInts("classlabels_ints", 5, 7), aText("post_transform", "LOGISTIC")),
			ml("ZipMap", list{"p"}, list{"map"}, aInts("classlabels_int64s", 5, 7)), out("label", "map")),
		classes: "5 7", graph: "LinearClassifier → ZipMap", naive: sigmoidOf(one), s: one,
	}, {
		name:    "scores with an operator of their own",
		file:    file(in("X", 7, 4), three.classifier("X", labels), op("Softmax", list{"p"}, list{"q"}), out("q")),
		classes: "0 1 2", graph: "LinearClassifier → Softmax", naive: softmaxOf(three), s: three,
	}}
}

func denseForms() []form {
	three, two, one := newSample(4, 3, 5), newSample(5, 2, 3).opposite(), newSample(6, 1, 2)
	sum := op("ReduceSum", list{"abs"}, list{"sum"}, aInts("axes", 1), aInt("keepdims", 1))
	gemmWeights := doubles("w", []int64{3, 5}, three.weights...)
	return []form{{
		name:    "double softmax with labels",
		file:    file(in("X", 11, 5), three.dense("X"), op("Softmax", list{"z"}, list{"p"}, aInt("axis", -1)), labelChain(), out("label", "p")),
		classes: "a b c", graph: "MatMul → Add → Softmax", s: three,
		naive: func(x []float64) []float64 { return naiveSoftmax(three.scores(x)) },
	}, {
		name: "double sigmoids divided by their sum",
		file: file(in("X", 11, 3), two.dense("X"), op("Sigmoid", list{"z"}, list{"s"}), op("Abs", list{"s"}, list{"abs"}), sum,
			op("Div", list{"s", "sum"}, list{"p"}), out("p")),
		classes: "0 1", graph: "MatMul → Add → Sigmoid → Abs → ReduceSum → Div", s: two,
		naive: func(x []float64) []float64 {
			z := two.scores(x)
			a, b := naiveSigmoid(z[0]), naiveSigmoid(z[1])
			return []float64{a / (a + b), b / (a + b)}
		},
	}, {
		name: "double sigmoids of three classes",
		file: file(in("X", 11, 5), three.dense("X"), op("Sigmoid", list{"z"}, list{"s"}), ints("shape", []int64{2}, -1, 3),
			op("Reshape", list{"s", "shape"}, list{"r"}), op("Flatten", list{"r"}, list{"f"}), op("Abs", list{"f"}, list{"abs"}), sum,
			op("Div", list{"f", "sum"}, list{"p"}), labelChain(), out("label", "p")),
		classes: "a b c", graph: "MatMul → Add → Sigmoid → Reshape → Flatten → Abs → ReduceSum → Div, one against the rest", s: three,
		naive: eachOf(three),
	}, {
		name: "one sigmoid and its complement",
		file: file(in("X", 11, 2), one.dense("X"), op("Sigmoid", list{"z"}, list{"s"}), doubles("one", nil, 1),
			op("Sub", list{"one", "s"}, list{"r"}), op("Concat", list{"r", "s"}, list{"p"}, aInt("axis", 1)), out("p")),
		classes: "0 1", graph: "MatMul → Add → Sigmoid → Sub → Concat", s: one,
		naive: func(x []float64) []float64 {
			p := naiveSigmoid(one.scores(x)[0])
			return []float64{1 - p, p}
		},
	}, {
		name: "Gemm, transposed and scaled, with a temperature",
		file: fileAt(9, in("X", 11, 5), gemmWeights, doubles("b", []int64{3}, three.bias...), doubles("t", []int64{1}, 2.5),
			op("Gemm", list{"X", "w", "b"}, list{"z"}, aInt("transB", 1), aFloat("alpha", 0.5), aFloat("beta", 4)),
			op("Div", list{"z", "t"}, list{"y"}), op("Softmax", list{"y"}, list{"p"}), out("p")),
		classes: "0 1 2", graph: "Gemm → Div → Softmax", s: three,
		naive: func(x []float64) []float64 {
			z := three.scores(x)
			for i := range z {
				z[i] = (0.5*(z[i]-three.bias[i]) + 4*three.bias[i]) / 2.5
			}
			return naiveSoftmax(z)
		},
	}}
}

// labelChain names the best of three scores "z" as skl2onnx does.
func labelChain() []byte {
	return slices.Concat(
		op("ArgMax", list{"z"}, list{"best"}, aInt("axis", 1)), texts("names", []int64{3}, "a", "b", "c"),
		ml("ArrayFeatureExtractor", list{"names", "best"}, list{"found"}), ints("flat", []int64{1}, -1),
		op("Reshape", list{"found", "flat"}, list{"label"}))
}

func stepForms() []form {
	s := newSample(8, 3, 3)
	end := slices.Concat(op("Softmax", list{"z"}, list{"p"}), out("p"))
	labels := slices.Concat(aInts("classlabels_ints", 0, 1, 2), aText("post_transform", "SOFTMAX"))
	row := []int64{3}
	scaled := func(x []float64) []float64 {
		return each(x, func(j int, v float64) float64 { return (v - s.offset[j]) * s.scale[j] })
	}
	imputed := func(x, stand []float64) []float64 {
		return each(x, func(j int, v float64) float64 {
			if math.IsNaN(v) {
				return stand[j]
			}
			return v
		})
	}
	nan := aFloat("replaced_value_float", float32(math.NaN()))
	stands := "Imputer of 3 columns into the features, as values that stand in for missing ones"
	return []form{{
		name: "StandardScaler in float64",
		file: file(in("X", 11, 3), doubles("mean", row, s.offset...), doubles("sd", row, s.scale...), op("Sub", list{"X", "mean"}, list{"c"}),
			op("Div", list{"c", "sd"}, list{"u"}), s.dense("u"), end),
		classes: "0 1 2", graph: "Sub → Div → MatMul → Add → Softmax", s: s,
		folded: []string{"Sub of 3 columns into the weights", "Div of 3 columns into the weights"},
		naive: func(x []float64) []float64 {
			return naiveSoftmax(s.scores(each(x, func(j int, v float64) float64 { return (v - s.offset[j]) / s.scale[j] })))
		},
	}, {
		name: "constants before columns, from nodes",
		file: file(in("X", 11, 3), op("Constant", nil, list{"two"}, aFloat("value_float", 2)),
			op("Constant", nil, list{"k"}, attr("value", 4, msg(5, tensorBody("", 11, []int64{1, 1}, num(99, 1), doublesRaw(3))))),
			op("Mul", list{"two", "X"}, list{"m"}), op("Sub", list{"k", "m"}, list{"u"}), s.dense("u"), end),
		classes: "0 1 2", graph: "Mul → Sub → MatMul → Add → Softmax", s: s,
		folded: []string{"Mul of 3 columns into the weights", "Sub of 3 columns into the weights"},
		naive: func(x []float64) []float64 {
			return naiveSoftmax(s.scores(each(x, func(_ int, v float64) float64 { return 3 - 2*v })))
		},
	}, {
		name: "Imputer, then Scaler",
		file: file(in("X", 1, 3), ml("Imputer", list{"X"}, list{"i"}, nan, aFloats("imputed_value_floats", single(s.stand)...)),
			ml("Scaler", list{"i"}, list{"u"}, aFloats("offset", single(s.offset)...), aFloats("scale", single(s.scale)...)),
			s.classifier("u", labels), ml("Normalizer", list{"p"}, list{"q"}, aText("norm", "L1")), out("label", "q")),
		classes: "0 1 2", graph: "Imputer → Scaler → LinearClassifier → Normalizer", s: s,
		folded: []string{stands, "Scaler of 3 columns into the weights"},
		naive:  func(x []float64) []float64 { return naiveSoftmax(s.scores(scaled(imputed(x, s.stand)))) },
	}, {
		name: "Scaler, then Imputer of one value",
		file: file(in("X", 1, 3), ml("Scaler", list{"X"}, list{"u"}, aFloats("offset", single(s.offset)...), aFloats("scale", single(s.scale)...)),
			ml("Imputer", list{"u"}, list{"i"}, nan, aFloats("imputed_value_floats", 0.75)), s.classifier("i", labels), out("p", "label")),
		classes: "0 1 2", graph: "Scaler → Imputer → LinearClassifier", s: s,
		folded: []string{"Scaler of 3 columns into the weights", stands},
		naive: func(x []float64) []float64 {
			return naiveSoftmax(s.scores(imputed(scaled(x), []float64{0.75, 0.75, 0.75})))
		},
	}, {
		name: "one offset and scale for all, whole numbers in",
		file: file(in("X", 7, 3), ml("Scaler", list{"X"}, list{"u"}, aFloats("offset", 3), aFloats("scale", 0.5)),
			op("Cast", list{"u"}, list{"v"}, aInt("to", 11)), s.classifier("v", labels), out("label", "p")),
		classes: "0 1 2", graph: "Scaler → Cast → LinearClassifier", s: s, folded: []string{"Scaler of 3 columns into the weights"},
		naive: func(x []float64) []float64 {
			return naiveSoftmax(s.scores(each(x, func(_ int, v float64) float64 { return (v - 3) * 0.5 })))
		},
	}, {
		name: "inputs by column, put together in another order",
		file: file(in("length", 1, 1), in("width", 1, 1), in("weight", 1, 1),
			op("Concat", list{"weight", "length", "width"}, list{"u"}, aInt("axis", -1)), s.classifier("u", labels), out("label", "p")),
		classes: "0 1 2", features: "length width weight", graph: "Concat → LinearClassifier", s: s,
		naive: func(x []float64) []float64 { return naiveSoftmax(s.scores([]float64{x[2], x[0], x[1]})) },
	}, {
		name: "columns selected one way and the other",
		file: file(in("X", 1, 3), ints("last", []int64{1}, -1), op("Gather", list{"X", "last"}, list{"c"}, aInt("axis", 1)),
			ints("0", []int64{1}, 0), ints("2", []int64{1}, 2), ints("1", []int64{1}, 1), op("Slice", list{"X", "0", "2", "1"}, list{"ab"}),
			op("Concat", list{"c", "ab"}, list{"u"}, aInt("axis", 1)), s.classifier("u", labels), out("label", "p")),
		classes: "0 1 2", graph: "Gather → Slice → Concat → LinearClassifier", s: s,
		naive: func(x []float64) []float64 { return naiveSoftmax(s.scores([]float64{x[2], x[0], x[1]})) },
	}}
}

func doublesRaw(v float64) []byte {
	var raw []byte
	bits := math.Float64bits(v)
	for range 8 {
		raw = append(raw, byte(bits))
		bits >>= 8
	}
	return msg(9, raw)
}

func labelForms() []form {
	s := newSample(10, 3, 2)
	labels := slices.Concat(aInts("classlabels_ints", 10, 20, 30), aText("post_transform", "SOFTMAX"))
	naive := func(x []float64) []float64 { return naiveSoftmax(s.scores(x)) }
	return []form{{
		name: "LabelEncoder of whole numbers",
		file: file(in("X", 1, 2), s.classifier("X", labels), ml("LabelEncoder", list{"label"}, list{"named"},
			aInts("keys_int64s", 30, 10, 20), aTexts("values_strings", "three", "one", "two")), out("named", "p")),
		classes: "one two three", graph: "LinearClassifier", naive: naive, s: s,
	}, {
		name: "LabelEncoder of positions, as in version 1",
		file: file(in("X", 1, 2), s.classifier("X", labels), op("ArgMax", list{"p"}, list{"best"}, aInt("axis", 1), aInt("keepdims", 0)),
			ml("LabelEncoder", list{"best"}, list{"named"}, aTexts("classes_strings", "u", "v", "w")), out("named", "p")),
		classes: "u v w", graph: "LinearClassifier", naive: naive, s: s,
	}, {
		name: "numbers that are strings",
		file: file(in("X", 1, 2), s.classifier("X", labels), op("Cast", list{"label"}, list{"text"}, aInt("to", 8)),
			ml("ZipMap", list{"p"}, list{"map"}, aTexts("classlabels_strings", "10", "20", "30")), out("text", "map")),
		classes: "10 20 30", graph: "LinearClassifier → ZipMap", naive: naive, s: s,
	}, {
		name: "labels told by an output of constants",
		file: file(in("X", 1, 2), texts("classes", []int64{3}, "x", "y", "z"), s.dense("X"), op("Softmax", list{"z"}, list{"p"}),
			op("Identity", list{"classes"}, list{"labels"}), out("p", "labels")),
		classes: "x y z", graph: "MatMul → Add → Softmax", naive: naive, s: s,
	}}
}
