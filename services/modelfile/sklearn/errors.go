package sklearn

import (
	"errors"
	"fmt"

	"github.com/sepal-ml/sepal/services/modelfile/internal/oneline"
)

// FormatError says that the data are no pickle of a fitted classifier, or are damaged.
type FormatError struct {
	// Problem says what is wrong and where, in one line.
	Problem string
}

func (e *FormatError) Error() string { return e.Problem }

// UnsupportedError says that a file is not imported because of something that it holds or asks
// for: a class, a function, an option or a compression. Nothing was run.
type UnsupportedError struct {
	// What names what is not supported, such as
	// "the class sklearn.ensemble._forest.RandomForestClassifier".
	What string
	// Advice says what to do about it.
	Advice string
}

func (e *UnsupportedError) Error() string {
	return e.What + " is not supported: " + e.Advice
}

func refuse(format string, args ...any) error {
	return &FormatError{Problem: oneline.Text(fmt.Sprintf(format, args...))}
}

func unsupported(advice, format string, args ...any) error {
	return &UnsupportedError{What: oneline.Text(fmt.Sprintf(format, args...)), Advice: oneline.Text(advice)}
}

// located returns the error as one of the two types of this package: what is neither yet becomes
// a *FormatError that begins with the place.
func located(err error, format string, args ...any) error {
	var damaged *FormatError
	var foreign *UnsupportedError
	if errors.As(err, &damaged) || errors.As(err, &foreign) {
		return err
	}
	return refuse("%s: %s", fmt.Sprintf(format, args...), err)
}
