package onnx

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// refusedFiles are the files of skl2onnx that are no softmax of a linear function, and why.
func refusedFiles() map[string]string {
	return map[string]string{
		"skl_clip.onnx":           `the operator Clip of ai.onnx (node "Cl_Clip")`,
		"skl_forest.onnx":         `the operator TreeEnsembleClassifier of ai.onnx.ml (node "TreeEnsembleClassifier")`,
		"skl_norm.onnx":           `Normalizer "Normalizer": divides each row of the input by its norm, which no weights can do`,
		"skl_onehot.onnx":         `the operator OneHotEncoder of ai.onnx.ml (node "OneHotEncoder")`,
		"skl_onevsrest.onnx":      `Concat "Concat": puts probabilities of several classifiers together, one-vs-rest`,
		"skl_ovr_raw_scores.onnx": "the graph gives raw scores and no probabilities",
		"skl_pca.onnx":            `LinearClassifier "LinearClassifier": applied to scores, which is no part of a linear softmax classifier`,
		"skl_raw_scores.onnx":     `ZipMap "ZipMap": gives raw scores instead of probabilities`,
		"skl_sentinel.onnx":       `Imputer "Imputer": replaces a number; only missing values, NaN, can be replaced`,
	}
}

func TestFilesRefused(t *testing.T) {
	t.Parallel()
	for name, want := range refusedFiles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := Decode(readFile(t, name))
			var unsupported *UnsupportedError
			if !errors.As(err, &unsupported) || unsupported.What != want || unsupported.Advice == "" {
				t.Errorf("got %v, expected %s", err, want)
			}
		})
	}
}

type refusal struct {
	name string
	file []byte
	// malformed says that the error is a FormatError; else it is an UnsupportedError.
	malformed bool
	want      string
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, test := range slices.Concat(brokenFiles(), brokenGraphs(), foreignGraphs(), sigmoidGraphs(), brokenNodes()) {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m, r, err := Decode(test.file)
			if err == nil || m != nil || r != nil {
				t.Fatalf("got %v, %v, %v, expected an error alone", m, r, err)
			}
			want := "no valid ONNX model: " + test.want
			var unsupported *UnsupportedError
			if errors.As(err, &unsupported) {
				want = test.want + ": " + unsupported.Advice
			}
			if err.Error() != want {
				t.Errorf("got  %s\nwant %s", err, want)
			}
			var format *FormatError
			if errors.As(err, &format) != test.malformed || (unsupported == nil) != test.malformed {
				t.Errorf("got a %T, expected a FormatError: %v", err, test.malformed)
			}
			if text := err.Error(); len(text) > 700 || strings.ContainsAny(text, "\n\r\x1b") {
				t.Errorf("%d bytes, or more than a line: %q", len(text), text)
			}
		})
	}
}

// regression is a graph that can be read, with parts more or in place of its own.
func regression(parts ...[]byte) []byte {
	return file(slices.Concat(append([][]byte{
		in("X", 1, 2), newSample(1, 2, 2).classifier("X", aInts("classlabels_ints", 0, 1), aText("post_transform", "SOFTMAX")),
	}, parts...)...))
}

func brokenFiles() []refusal {
	outside := msg(5, tensorBody("w", 1, []int64{2, 2}, msg(13, str(1, "location"), str(2, "/etc/passwd")), num(14, 1)))
	return []refusal{
		{"nothing", nil, true, "the version of the representation is 0, expected 1 or more; is it an ONNX file?"},
		{"a pickle", []byte("\x80\x04\x95\x00\x00"), true, "the model is cut short or damaged"},
		{"text", []byte("{\"weights\": []}"), true, "the model is damaged: field 15 has the wire type 3, which ONNX does not use"},
		{"no graph", slices.Concat(num(1, 7), msg(8, num(2, 13))), true, "the model has no graph; is the file whole?"},
		{"two graphs", slices.Concat(num(1, 7), msg(7), msg(7)), true, "the model has two graphs"},
		{"no operator set", slices.Concat(num(1, 7), msg(7)), true, "the model names no set of operators; is the file whole?"},
		{"graph as a number", slices.Concat(num(1, 7), num(7, 1)), true, "the model is damaged: field 7 has the wire type 0, expected 2"},
		{"functions", slices.Concat(file(), msg(25)), false, "the model defines functions of its own"},
		{"values in another file", regression(outside, out("p")), false, `the values of the constant "w" are in another file`},
		{"sparse constants", regression(msg(15)), false, "the graph has sparse constants"},
		{"a graph in a node", regression(op("If", list{"c"}, list{"q"}, attr("then_branch", 5, msg(6)))), false, `a node has a graph inside (attribute "then_branch")`},
		{"a dimension of 2^40", regression(msg(5, tensorBody("w", 1, []int64{1 << 40, 2}))), true, `the constant "w" has a dimension of 1099511627776, expected at most 2147483647`},
		{"dimensions of 2^62", regression(msg(5, tensorBody("w", 1, []int64{1 << 31, 1 << 30}))), true, `the constant "w" has a dimension of 2147483648, expected at most 2147483647`},
		{"a negative dimension", regression(msg(5, tensorBody("w", 1, []int64{-1}))), true, `the constant "w" has a dimension of -1, expected at most 2147483647`},
		{"a product that wraps", regression(msg(5, tensorBody("w", 1, []int64{1 << 30, 1 << 30, 1 << 30, 0}))), true, `the constant "w" has dimensions whose product is too large`},
		{"fewer values", regression(floats("w", []int64{3}, 1, 2)), true, `the constant "w" has 2 values, expected 3 by its dimensions`},
		{"half a value", regression(msg(5, tensorBody("w", 11, []int64{1}, str(9, "1234567")))), true, `the constant "w" has 7 bytes, expected values of 8 bytes each`},
		{"half floats", regression(msg(5, tensorBody("w", 10, []int64{1}))), false, `the constant "w" holds values of the ONNX type 10`},
		{"two constants of a name", regression(floats("w", nil, 1), floats("w", nil, 1)), true, `two constants are called "w"`},
	}
}

func brokenGraphs() []refusal {
	s := newSample(1, 2, 2)
	softmax := aText("post_transform", "SOFTMAX")
	binary := aInts("classlabels_ints", 0, 1)
	return []refusal{
		{"no input", file(s.classifier("X", binary, softmax), out("p")), true, "the graph has no input"},
		{"no output", regression(), true, "the graph has no output"},
		{"2^40 columns", file(in("X", 1, 1<<40), out("p")), true, `the input "X" has 1099511627776 columns, for which a file of 69 bytes has no weights`},
		{"no column", file(in("X", 1, 0), out("p")), true, `the input "X" has 0 columns, for which a file of 64 bytes has no weights`},
		{"width open in vain", file(in("X", 1, -1), op("Abs", list{"X"}, list{"p"}), out("p")), false, `the input "X" does not say how many columns it has`},
		{"strings", file(in("sex", 8, 1), out("p")), false, `the input "sex" holds strings`},
		{"truth values", file(in("X", 9, 1), out("p")), false, `the input "X" holds values of the ONNX type 9`},
		{"three dimensions", file(msg(11, str(1, "X"), msg(2, msg(1, num(1, 1), msg(2, msg(1), msg(1), msg(1)))))), false, `the input "X" has 3 dimensions, expected rows and columns`},
		{"an input that is a map", file(msg(11, str(1, "X"), msg(2, msg(5)))), false, `the input "X" is no tensor`},
		{"two inputs of a name", file(in("X", 1, 1), in("X", 1, 1)), true, `two inputs are called "X"`},
		{"operators of no version", slices.Concat(num(1, 7), msg(7, in("X", 1, 1), floats("w", []int64{1, 1}, 1), op("MatMul", list{"X", "w"}, list{"z"}), out("z")),
			msg(8, str(1, "ai.onnx.ml"), num(2, 1))), true, "MatMul is of ai.onnx, of which the file names no version"},
		{"made twice", regression(op("Identity", list{"X"}, list{"p"}), out("p")), true, `Identity makes "p", which something else makes too`},
		{"made by nothing", regression(out("q")), true, `nothing in the graph makes "q"`},
		{"in a circle", regression(op("Abs", list{"b"}, list{"a"}), op("Abs", list{"a"}, list{"b"}), out("a")), true, `Abs needs its own output "a"`},
		{"output left out", regression(op("Identity", list{""}, list{"q"}), out("q")), true, `Identity has no output 0, which is to be "q"`},
		{"labels alone", regression(out("label")), false, "no output of the graph has probabilities"},
		{"scores alone", file(in("X", 1, 2), s.classifier("X", binary), out("label", "p")), false, "the graph gives raw scores and no probabilities"},
		{"names in another order", regression(ml("ZipMap", list{"p"}, list{"m"}, aInts("classlabels_int64s", 1, 0)), out("label", "m")), true, "the labels and ZipMap name the classes in different orders"},
		{"names twice", regression(ml("ZipMap", list{"p"}, list{"m"}, aInts("classlabels_int64s", 1, 1)), out("m")), true, `classes[1]: "1" stands at 0 too`},
		{"names too few", regression(ml("ZipMap", list{"p"}, list{"m"}, aInts("classlabels_int64s", 1)), out("m")), true, "ZipMap has 1 class label for 2 classes"},
		{"two classifiers", regression(op("MatMul", list{"X", "w"}, list{"z"}), floats("w", []int64{2, 2}, 1, 2, 3, 4),
			op("Softmax", list{"z"}, list{"q"}), out("p", "q")), false, `the outputs "p" and "q" have probabilities of different classifiers`},
	}
}

func foreignGraphs() []refusal {
	two, binary := newSample(1, 2, 2), aInts("classlabels_ints", 0, 1)
	X := in("X", 1, 2)
	return []refusal{
		{"an operator of another domain", regression(opOf("com.acme", "Magic\n", list{"p"}, list{"q"}), out("q")), false, "the operator Magic� of com.acme"},
		{"an operator of a new version", regression(op("Softmax", list{"p"}, list{"q"}, aInt("sharp", 1)), out("q")), false, `Softmax: the attribute "sharp" is not known`},
		{"two sigmoids that are no pair", file(X, two.classifier("X", binary, aText("post_transform", "LOGISTIC")), out("p")), false, "LinearClassifier: a sigmoid for each of two classes, whose scores are not each other's opposite"},
		{"probit", file(X, two.classifier("X", binary, aText("post_transform", "PROBIT")), out("p")), false, `LinearClassifier: post_transform "PROBIT" is no softmax`},
		{"one row with a softmax", file(X, newSample(1, 1, 2).classifier("X", binary, aText("post_transform", "SOFTMAX")), out("p")), false, `LinearClassifier: has one row of coefficients for two classes with "SOFTMAX", which runtimes understand differently`},
		{"the largest norm", regression(ml("Normalizer", list{"p"}, list{"q"}), out("q")), false, `Normalizer: divides probabilities by the norm "MAX", after which they do not sum to 1`},
		{"Euclidean norm", regression(op("LpNormalization", list{"p"}, list{"q"}), out("q")), false, "LpNormalization: divides probabilities by p = 2, after which they do not sum to 1"},
		{"softmax of probabilities", regression(op("Softmax", list{"p"}, list{"q"}), out("q")), false, "Softmax: applied to probabilities, which is no part of a linear softmax classifier"},
		{"softmax over rows", file(X, two.dense("X"), op("Softmax", list{"z"}, list{"p"}, aInt("axis", 0)), out("p")), false, "Softmax: works on axis 0, expected 1, that of the columns"},
		{"sum over rows", regression(op("ReduceSum", list{"p"}, list{"q"}, aInts("axes", 0)), out("q")), false, "ReduceSum: sums over axes [0] with keepdims 1, expected [1] with 1"},
		{"powers of columns", file(X, op("Mul", list{"X", "X"}, list{"u"}), two.dense("u"), out("z")), false, "Mul: applied to columns of the input and columns of the input, which is no part of a linear softmax classifier"},
		{"division by columns", file(X, doubles("k", nil, 1), op("Div", list{"k", "X"}, list{"u"}), out("u")), false, "Div: applied to a constant and columns of the input, which is no part of a linear softmax classifier"},
		{"division of whole numbers", file(in("X", 7, 2), ints("k", nil, 2), op("Div", list{"X", "k"}, list{"u"}), out("u")), false, "Div: applied to columns of the input and a constant, which is no part of a linear softmax classifier"},
		{"truncated columns", file(X, op("Cast", list{"X"}, list{"u"}, aInt("to", 7)), out("u")), false, "Cast: casts columns of the input to the ONNX type 7"},
		{"zero is replaced", file(X, ml("Imputer", list{"X"}, list{"u"}, aFloats("imputed_value_floats", 1)), out("u")), false, "Imputer: replaces a number; only missing values, NaN, can be replaced"},
		{"imputed here and not there", file(X, ml("Imputer", list{"X"}, list{"u"}, aFloats("imputed_value_floats", 1), aFloat("replaced_value_float", nan32())),
			op("Concat", list{"X", "u"}, list{"v"}, aInt("axis", 1)), newSample(1, 2, 4).dense("v"), op("Softmax", list{"z"}, list{"p"}), out("p")), false, "MatMul: column 0 of the input is used with different values in place of missing ones"},
		{"another shape", file(X, ints("s", []int64{2}, -1, 1), op("Reshape", list{"X", "s"}, list{"u"}), out("u")), false, "Reshape: changes the shape of columns of the input to [-1 1]"},
	}
}

func brokenNodes() []refusal {
	s := newSample(1, 2, 2)
	X, binary := in("X", 1, 2), aInts("classlabels_ints", 0, 1)
	lc := func(attributes ...[]byte) []byte {
		return file(X, ml("LinearClassifier", list{"X"}, list{"label", "p"}, attributes...), out("p"))
	}
	step := func(node []byte, more ...[]byte) []byte {
		return file(slices.Concat(append(more, X, node, out("u"))...))
	}
	return []refusal{
		{"no coefficients", lc(binary), true, "LinearClassifier has 0 coefficients for 2 columns, expected as many for each class"},
		{"coefficients left over", lc(binary, aFloats("coefficients", 1, 2, 3, 4, 5)), true, "LinearClassifier has 5 coefficients for 2 columns, expected as many for each class"},
		{"coefficients of another type", lc(binary, aInts("coefficients", 1, 2, 3, 4)), true, `LinearClassifier has the attribute "coefficients" of type 7, expected float32 numbers`},
		{"intercepts too few", lc(binary, aFloats("coefficients", 1, 2, 3, 4), aFloats("intercepts", 1)), true, "LinearClassifier has 1 intercept, expected 2"},
		{"labels of both kinds", lc(binary, aTexts("classlabels_strings", "a", "b"), aFloats("coefficients", 1, 2, 3, 4)), true, "LinearClassifier has both classlabels_ints and classlabels_strings, expected one"},
		{"labels too few", lc(aInts("classlabels_ints", 0), aFloats("coefficients", 1, 2, 3, 4)), true, "LinearClassifier has 1 class label for 2 rows of coefficients"},
		{"infinite weight", lc(binary, aText("post_transform", "SOFTMAX"), aFloats("coefficients", 1, inf32(), 3, 4)), true, "weights: value 1 is +Inf, expected a finite number"},
		{"an attribute twice", lc(binary, binary), true, `a node has the attribute "classlabels_ints" twice`},
		{"two inputs", step(ml("Scaler", list{"X", "X"}, list{"u"})), true, "Scaler has 2 inputs, expected 1"},
		{"Scaler of another width", step(ml("Scaler", list{"X"}, list{"u"}, aFloats("offset", 1, 2, 3), aFloats("scale", 1))), true, "Scaler has 3 values of offset, expected 1 or 2"},
		{"Imputer of another width", step(ml("Imputer", list{"X"}, list{"u"}, aFloats("imputed_value_floats", 1, 2, 3),
			aFloat("replaced_value_float", nan32()))), true, "Imputer has 3 values of imputed_value_floats, expected 1 or 2"},
		{"imputed by infinity", step(ml("Imputer", list{"X"}, list{"u"}, aFloats("imputed_value_floats", inf32()),
			aFloat("replaced_value_float", nan32()))), true, "Imputer replaces missing values of column 0 by what is no finite number"},
		{"a constant of another width", step(op("Add", list{"X", "k"}, list{"u"}), floats("k", []int64{3}, 1, 2, 3)), true, `Add takes the constant "k" of 3 values for 2 columns`},
		{"a constant by rows", step(op("Add", list{"X", "k"}, list{"u"}), floats("k", []int64{2, 1}, 1, 2)), true, `Add takes the constant "k" of 2 values in 2 dimensions, expected one row`},
		{"a constant of words", step(op("Add", list{"X", "k"}, list{"u"}), texts("k", []int64{2}, "1", "2")), true, `Add takes the constant "k", expected numbers`},
		{"weights of another height", step(op("MatMul", list{"X", "k"}, list{"u"}), floats("k", []int64{3, 1}, 1, 2, 3)), true, "MatMul has weights of 3 × 1, expected 2 rows, one per column of its input"},
		{"a column that is not there", step(ml("ArrayFeatureExtractor", list{"X", "k"}, list{"u"}), ints("k", []int64{1}, 2)), true, "ArrayFeatureExtractor selects column 2 of 2"},
		{"a label without a name", regression(ml("LabelEncoder", list{"label"}, list{"n"}, aInts("keys_int64s", 0), aTexts("values_strings", "a")), out("n", "p")), true, `LabelEncoder has no value for the class "1"`},
		{"keys without values", regression(ml("LabelEncoder", list{"label"}, list{"n"}, aInts("keys_int64s", 0)), out("n", "p")), true, "LabelEncoder has 1 key and 0 values"},
		{"names of another number", file(X, s.dense("X"), op("ArgMax", list{"z"}, list{"best"}, aInt("axis", 1)), ints("names", []int64{3}, 1, 2, 3),
			ml("ArrayFeatureExtractor", list{"names", "best"}, list{"label"}), op("Softmax", list{"z"}, list{"p"}), out("label", "p")), true, `ArrayFeatureExtractor takes class labels from the constant "names" of 3 values, expected 2`},
	}
}

// sigmoidGraphs have a sigmoid for each of three classes, and no probabilities.
func sigmoidGraphs() []refusal {
	three, X := newSample(1, 3, 2), in("X", 1, 2)
	each := three.classifier("X", aInts("classlabels_ints", 0, 1, 2), aText("post_transform", "LOGISTIC"))
	return []refusal{
		{"sigmoids that nothing sums", file(X, each, out("label", "p")), false, `the output "p" is a sigmoid per class, not divided by their sum`},
		{"sigmoids by class", file(X, each, ml("ZipMap", list{"p"}, list{"m"}, aInts("classlabels_int64s", 0, 1, 2)), out("m")), false,
			"ZipMap: gives a sigmoid per class, not divided by their sum"},
		{"sigmoids over their length", file(X, each, ml("Normalizer", list{"p"}, list{"q"}, aText("norm", "L2")), out("q")), false,
			`Normalizer: divides a sigmoid per class by the norm "L2", after which they do not sum to 1`},
		{"a sum over sigmoids", file(X, each, op("ReduceSum", list{"p"}, list{"s"}, aInts("axes", 1)), op("Div", list{"s", "p"}, list{"q"}), out("q")), false,
			"Div: applied to a sum of probabilities and a sigmoid per class, which is no part of a linear softmax classifier"},
		{"sigmoids over the sum of others", file(X, each, three.dense("X"), op("Sigmoid", list{"z"}, list{"t"}),
			op("ReduceSum", list{"t"}, list{"s"}, aInts("axes", 1)), op("Div", list{"p", "s"}, list{"q"}), out("q")), false,
			"Div: applied to a sigmoid per class and a sum of probabilities, which is no part of a linear softmax classifier"},
		{"softmax of sigmoids", file(X, each, op("Softmax", list{"p"}, list{"q"}), out("q")), false,
			"Softmax: applied to a sigmoid per class, which is no part of a linear softmax classifier"},
	}
}
