package native

import "fmt"

// FormatError says why a model file is refused.
type FormatError struct {
	// Field names the part at fault, such as "signature.features[2].name", or "file".
	Field string
	// Problem says what is wrong with it.
	Problem string
}

func (e *FormatError) Error() string {
	if e.Field == "file" {
		return "the file " + e.Problem
	}
	return e.Field + ": " + e.Problem
}

func refuse(field, format string, args ...any) error {
	return &FormatError{Field: field, Problem: fmt.Sprintf(format, args...)}
}
