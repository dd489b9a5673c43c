// Package onnx reads ONNX files of linear softmax classifiers into models of the engine: what
// skl2onnx writes for LogisticRegression, alone or after StandardScaler, MinMaxScaler or
// SimpleImputer, binary, multinomial and one class against the rest, in single and in double
// precision.
//
// The graph is not run. Each of its outputs is followed back to the inputs, and what the
// operators on the way do is worked out once, in float64: steps that move and scale columns go
// into the weights, so that the model takes raw values; a value that stands in for missing ones
// becomes the feature's. A graph that is neither a softmax of a linear function of its inputs nor
// its sigmoids, divided by their sum, is refused by the name of what stands in the way.
//
// A file is data of unknown origin. Its size and what is made of it are limited, nothing outside
// it is opened, and nothing in it can run code.
package onnx

import (
	"github.com/sepal-ml/sepal/services/softmax"
)

// MaxBytes is the size of the largest file that is read, in bytes.
const MaxBytes = 64 << 20

// Report is what a file says about itself and what was made of it. Its texts are of one line
// each.
type Report struct {
	// Format names the format and the versions of the operators, such as
	// "ONNX, ai.onnx 9, ai.onnx.ml 1".
	Format string
	// Producer is the program that wrote the file and its version, such as "skl2onnx 1.14";
	// empty if the file does not say.
	Producer string
	// Graph are the operators between the inputs and the probabilities, in the order of
	// their work, such as "Scaler → LinearClassifier → Normalizer → ZipMap"; and then
	// ", one against the rest" where the probabilities are no softmax.
	Graph string
	// Folded are the steps before the classifier that the model does not take any more, since
	// they went into its weights or features, in their order.
	Folded []string
	// FeatureNames says whether the names of the features are the file's. Else they are x0,
	// x1 and so on: most files know one input of several columns.
	FeatureNames bool
	// Notes are what someone should know who compares the model with the file.
	Notes []string
}

// Decode reads a file. The classes and features have the file's order; whole numbers that name
// classes become their decimals. The model's weights are those of the file, widened exactly if
// they are float32, and folded with the steps before them.
//
// The error is a [*FormatError] if the file is broken, and an [*UnsupportedError] if it is
// something that the engine cannot stand for.
func Decode(data []byte) (*softmax.Model, *Report, error) {
	if len(data) > MaxBytes {
		return nil, nil, malformed("%d bytes are more than the %d that are read", len(data), MaxBytes)
	}
	m, err := readModel(data)
	if err != nil {
		return nil, nil, err
	}
	w, err := newWalk(m, len(data))
	if err != nil {
		return nil, nil, err
	}
	found, err := w.outputs()
	if err != nil {
		return nil, nil, err
	}
	model, err := w.model(found)
	if err != nil {
		return nil, nil, err
	}
	return model, w.report(found), nil
}
