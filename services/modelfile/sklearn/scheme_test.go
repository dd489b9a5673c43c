package sklearn_test

import (
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/modelfile/sklearn"
	"github.com/sepal-ml/sepal/services/softmax"
)

// TestScheme reads classifiers that differ in nothing but how they say that they were fitted.
func TestScheme(t *testing.T) {
	t.Parallel()
	said := func(pairs ...string) []byte {
		var more strings.Builder
		for _, text := range pairs {
			more.WriteString(short(text))
		}
		return logistic(letters, table, numbers, more.String())
	}
	const each, whole = softmax.LinkOneVsRest, softmax.LinkSoftmax
	for name, test := range map[string]struct {
		file []byte
		want softmax.Link
	}{
		"nothing":                           {said(), whole},
		"lbfgs":                             {said("solver", "lbfgs"), whole},
		"liblinear":                         {said("solver", "liblinear"), each},
		"liblinear, auto":                   {said("solver", "liblinear", "multi_class", "auto"), each},
		"liblinear, deprecated":             {said("solver", "liblinear", "multi_class", "deprecated"), each},
		"saga, auto":                        {said("solver", "saga", "multi_class", "auto"), whole},
		"saga, ovr":                         {said("solver", "saga", "multi_class", "ovr"), each},
		"the solver of old, with a warning": {said("solver", "liblinear", "multi_class", "warn"), each},
		"multinomial":                       {said("multi_class", "multinomial"), whole},
		"newton-cholesky of 1.5":            {said("solver", "newton-cholesky", "_sklearn_version", "1.5.2"), each},
		"newton-cholesky of 1.6":            {said("solver", "newton-cholesky", "_sklearn_version", "1.6.0"), whole},
		"newton-cholesky, ovr":              {said("solver", "newton-cholesky", "multi_class", "ovr"), each},
		"newton-cholesky, multinomial":      {said("solver", "newton-cholesky", "multi_class", "multinomial"), whole},
	} {
		model, report, err := sklearn.Decode(test.file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := model.Link(); got != test.want {
			t.Errorf("%s: link %v, expected %v", name, got, test.want)
		}
		estimator := "LogisticRegression"
		if test.want == each {
			estimator += ", one against the rest"
		}
		if report.Estimator != estimator {
			t.Errorf("%s: %q, expected %q", name, report.Estimator, estimator)
		}
	}
}
