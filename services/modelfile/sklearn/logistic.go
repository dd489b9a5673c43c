package sklearn

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sepal-ml/sepal/services/softmax"
)

// linear is a classifier over encoded features: the logits are weights times x, plus intercepts.
type linear struct {
	link       softmax.Link
	classes    []string
	features   int
	weights    []float64 // classes × features
	intercepts []float64
}

// readLogistic reads a fitted LogisticRegression.
func readLogistic(e *estimator, report *Report) (*linear, error) {
	classes, err := e.labels()
	if err != nil {
		return nil, err
	}
	rows, features, coef, err := e.coefficients()
	if err != nil {
		return nil, err
	}
	switch {
	case len(classes) < 2:
		return nil, e.wrong("classes_", "%d, expected at least 2", len(classes))
	case len(classes) == 2 && rows != 1, len(classes) > 2 && rows != len(classes):
		return nil, e.wrong("coef_", "%d rows for %d classes", rows, len(classes))
	}
	intercepts, err := e.intercepts(rows)
	if err != nil {
		return nil, err
	}
	as, err := e.scheme(len(classes))
	if err != nil {
		return nil, err
	}
	if err := e.checkFeatures(features); err != nil {
		return nil, err
	}
	l := &linear{link: as.link, classes: classes, features: features, weights: coef, intercepts: intercepts}
	if rows == 1 {
		l.widen(as.symmetric)
	}
	if as.symmetric {
		report.note("multi_class='multinomial' on two classes: the first has the weights -coef_, the second coef_")
	}
	e.noteIterations(report)
	return l, nil
}

// coefficients returns coef_, row-major.
func (e *estimator) coefficients() (rows, features int, coef []float64, err error) {
	const attr = "coef_"
	a, err := e.array(attr)
	if err != nil {
		return 0, 0, nil, err
	}
	if len(a.shape) != 2 || a.shape[0] == 0 || a.shape[1] == 0 || a.shape[1] > maxFeatures {
		return 0, 0, nil, e.wrong(attr, "the shape is %v, expected rows of 1 to %d weights", a.shape, maxFeatures)
	}
	if coef, err = a.floats(); err != nil {
		return 0, 0, nil, e.wrong(attr, "%s", err)
	}
	rows, features = a.shape[0], a.shape[1]
	for i, w := range coef {
		if !isFinite(w) {
			return 0, 0, nil, e.wrong(attr, "[%d, %d] is %v, expected a finite number", i/features, i%features, w)
		}
	}
	return rows, features, coef, nil
}

// intercepts returns intercept_. It is a plain 0.0 where liblinear was told to fit none.
func (e *estimator) intercepts(rows int) ([]float64, error) {
	const attr = "intercept_"
	v, _ := e.attrs.get(attr)
	if f, ok := v.(float64); ok && f == 0 {
		return make([]float64, rows), nil
	}
	return e.finite(attr, rows)
}

// scheme is how scikit-learn's predict_proba makes probabilities of what was fitted.
type scheme struct {
	link softmax.Link
	// symmetric says that the one row of a classifier of two classes counts for both, with
	// opposite signs.
	symmetric bool
}

// scheme reads how the classifier was fitted. Before scikit-learn 1.8, multi_class said whether
// classes were fitted one against the rest; where it did not, and since, the solver does.
func (e *estimator) scheme(classes int) (scheme, error) {
	multi, err := e.text("multi_class")
	if err != nil {
		return scheme{}, err
	}
	solver, err := e.text("solver")
	if err != nil {
		return scheme{}, err
	}
	version := e.version()
	var oneVsRest bool
	switch multi {
	case "multinomial":
		// Before 0.20 a single row was always read as log-odds.
		return scheme{symmetric: classes == 2 && !olderThan(version, 0, 20)}, nil
	case "", "auto", "deprecated":
		oneVsRest = solver == "liblinear" || solver == "newton-cholesky" && olderThan(version, 1, 6)
	case "ovr", "warn":
		oneVsRest = true
	default:
		return scheme{}, unsupported(adviceLogistic, "LogisticRegression(multi_class=%q)", multi)
	}
	if classes == 2 {
		return scheme{}, nil
	}
	if solver == "newton-cholesky" && !oneVsRest && version == "" {
		return scheme{}, unsupported("dump it once more from the scikit-learn that fitted it",
			"a LogisticRegression (solver=%q) of %d classes that does not say which scikit-learn wrote it: before 1.6 it is one-vs-rest", solver, classes)
	}
	if oneVsRest {
		return scheme{link: softmax.LinkOneVsRest}, nil
	}
	return scheme{}, nil
}

// olderThan reports whether a version such as 1.2.1 is older than major.minor; one that cannot be
// read is not.
func olderThan(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	a, err1 := strconv.Atoi(parts[0])
	b, err2 := strconv.Atoi(parts[1])
	if err1 != nil || err2 != nil {
		return false
	}
	return a < major || a == major && b < minor
}

// widen makes weights for two classes of one row: those of the first are its negative or 0.
func (l *linear) widen(symmetric bool) {
	sign := 0.0
	if symmetric {
		sign = -1
	}
	first := make([]float64, l.features, 2*l.features)
	for i, w := range l.weights {
		first[i] = sign*w + 0 // a negative zero is none
	}
	l.weights = append(first, l.weights...)
	l.intercepts = []float64{sign*l.intercepts[0] + 0, l.intercepts[0]}
}

// noteIterations notes a fit that stopped before it converged.
func (e *estimator) noteIterations(report *Report) {
	v, _ := e.attrs.get("n_iter_")
	a, ok := v.(*array)
	limit, _ := e.attrs.get("max_iter")
	most, known := number(limit)
	if !ok || !known || a.readable() != nil || a.len() == 0 || a.len() > maxFeatures {
		return
	}
	made, err := a.floats()
	if err == nil && slices.Max(made) >= most {
		report.note("the fit stopped at max_iter=%s, perhaps before it converged", strconv.FormatFloat(math.Trunc(most), 'f', -1, 64))
	}
}
