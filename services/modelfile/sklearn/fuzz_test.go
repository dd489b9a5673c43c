package sklearn_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/sepal-ml/sepal/services/modelfile/sklearn"
)

// requireOneLine fails unless the error is one of the package's, whose text is fit for a log.
func requireOneLine(t testing.TB, err error) {
	t.Helper()
	var damaged *sklearn.FormatError
	var foreign *sklearn.UnsupportedError
	switch {
	case errors.As(err, &damaged):
		if damaged.Problem == "" {
			t.Error("the error says no problem")
		}
	case errors.As(err, &foreign):
		if foreign.What == "" || foreign.Advice == "" {
			t.Errorf("the error %q lacks a part", err)
		}
	default:
		t.Errorf("the error is a %T: %v", err, err)
	}
	text := err.Error()
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) || len(text) > 1000 {
		t.Errorf("the text of the error is not clean: %q", text)
	}
}

func FuzzDecode(f *testing.F) {
	for _, data := range modelFiles(f) {
		f.Add(data)
	}
	for _, h := range hostile {
		f.Add(h.data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		model, report, err := sklearn.Decode(data)
		if err != nil {
			requireOneLine(t, err)
			return
		}
		if report.Format == "" || report.Estimator == "" {
			t.Errorf("the report is not complete: %+v", report)
		}
		if !sklearn.Sniff(data) {
			t.Error("Decode reads what Sniff does not know")
		}
		row := make([]float64, model.Signature().Len())
		p := make([]float64, model.NumClasses())
		if _, err := model.Predict(p, row); err != nil {
			t.Logf("a row of zeros: %v", err)
		}
	})
}
