package native

import (
	"fmt"
	"strings"

	"github.com/sepal-ml/sepal/services/modelfile/internal/oneline"
)

// FormatError says why a model file is refused.
type FormatError struct {
	// Field names the part at fault, such as "signature.features[2].name", or "file".
	Field string
	// Problem says what is wrong with it, in one line.
	Problem string
}

func (e *FormatError) Error() string {
	if e.Field == "file" {
		return "the file " + e.Problem
	}
	return e.Field + ": " + e.Problem
}

func refuse(field, format string, args ...any) error {
	return &FormatError{Field: field, Problem: oneline.Text(fmt.Sprintf(format, args...))}
}

// plain returns the text of an error of the protobuf module without its prefix, whose space
// varies between builds.
func plain(err error) string {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	return strings.TrimPrefix(text, "proto: ")
}
