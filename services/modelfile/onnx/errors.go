package onnx

import (
	"fmt"
	"strings"

	"github.com/sepal-ml/sepal/services/modelfile/internal/oneline"
)

// FormatError says that a file is no ONNX model, or one that contradicts itself.
type FormatError struct {
	// Problem says what is wrong and where, in one line of at most 400 bytes.
	Problem string
}

func (e *FormatError) Error() string { return "no valid ONNX model: " + e.Problem }

// UnsupportedError says that a file is a model of a kind that cannot be read.
type UnsupportedError struct {
	// What names what stands in the way, in one line of at most 400 bytes.
	What string
	// Advice says what to do instead, in one line.
	Advice string
}

func (e *UnsupportedError) Error() string { return e.What + ": " + e.Advice }

func malformed(format string, args ...any) error {
	return &FormatError{Problem: oneline.Text(fmt.Sprintf(format, args...))}
}

func unsupported(advice, format string, args ...any) error {
	return &UnsupportedError{What: oneline.Text(fmt.Sprintf(format, args...)), Advice: advice}
}

const (
	adviseLinear = "what can be read is LogisticRegression, alone or after StandardScaler, MinMaxScaler or SimpleImputer; " +
		"export such a model, or train one here"
	adviseOneVsRest = "one class against the rest is read as skl2onnx writes it for a LogisticRegression of three classes or more; " +
		"fit LogisticRegression itself and export again"
	adviseSum           = "divide the sigmoids by their sum, as skl2onnx does, and export again"
	adviseProbabilities = "export with skl2onnx, without its option raw_scores, a classifier that has predict_proba"
	adviseOneFile       = "save the model with its weights inside: onnx.save_model(model, path, save_as_external_data=False)"
	adviseInputs        = "export with inputs of numbers whose width is known, such as FloatTensorType([None, 4])"
	adviseFlat          = "inline functions and subgraphs before saving, with onnx.inliner or an optimiser"
)

// quote quotes a name of the file, the start of it where it is long.
func quote(name string) string {
	const most = 80
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "…"
	}
	return `"` + oneline.Text(name) + `"`
}
