package onnx

import "github.com/sepal-ml/sepal/services/softmax"

// value is what a name of the graph stands for, as far as this package can say it.
type value interface {
	// describe names the value for people.
	describe() string
}

// column is one number of a row: scale × the feature + offset.
type column struct {
	feature       int32
	imputed       bool
	scale, offset float64
	// stand is the feature's value where it is missing, if imputed.
	stand float64
}

// cellsPerColumn is the size of a column in numbers of 8 bytes.
const cellsPerColumn = 4

// columns are the rows, N × len(list), before the classifier.
type columns struct {
	list []column
	// whole says that they are whole numbers to ONNX, whose division would round.
	whole bool
}

// scores are linear functions of the features, N × len(bias).
type scores struct {
	weights []float64 // row-major scores × features
	bias    []float64
	// names are those of the classes, nil if the operator has none.
	names []string
}

// chances are probabilities of all classes, N × K, that sum to 1.
type chances struct {
	logits *scores
	link   softmax.Link
}

// sigmoids are probabilities of each class against the rest, N × K: they do not sum to 1.
type sigmoids struct{ logits *scores }

// sigmoid is the probability of the second of two classes, N × 1, or of the first.
type sigmoid struct {
	logit *scores // one
	first bool
}

// part are some columns of probabilities, apart from the rest.
type part struct{ of *chances }

// rowSum is the sum of a row of chances or sigmoids.
type rowSum struct{ of value }

// zipped are probabilities by the names of the classes.
type zipped struct {
	of    *chances
	names []string
}

// position is that of the class with the highest score or probability.
type position struct{ classes int }

// label is the name of the class with the highest score or probability.
type label struct {
	names []string
	// text says that they are strings to ONNX, not whole numbers.
	text bool
}

// constant does not depend on the inputs.
type constant struct{ *tensor }

func (*columns) describe() string  { return "columns of the input" }
func (*scores) describe() string   { return "scores" }
func (*chances) describe() string  { return "probabilities" }
func (*sigmoids) describe() string { return "a sigmoid per class" }
func (*sigmoid) describe() string  { return "the probability of one class" }
func (*part) describe() string     { return "the probabilities of some classes" }
func (*rowSum) describe() string   { return "a sum of probabilities" }
func (*zipped) describe() string   { return "probabilities by class" }
func (*position) describe() string { return "the position of a class" }
func (*label) describe() string    { return "the name of a class" }
func (*constant) describe() string { return "a constant" }
