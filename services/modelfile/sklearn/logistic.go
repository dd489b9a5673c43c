package sklearn

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

const adviceOneVsRest = "its probabilities are sigmoids divided by their sum, which no softmax gives: fit it once more " +
	"with solver='lbfgs' and without multi_class (before scikit-learn 0.22: multi_class='multinomial')"

// linear is a softmax over encoded features: the logits are weights times x, plus intercepts.
type linear struct {
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
	intercepts, err := e.finite("intercept_", rows)
	if err != nil {
		return nil, err
	}
	symmetric, err := e.scheme(len(classes))
	if err != nil {
		return nil, err
	}
	if err := e.checkFeatures(features); err != nil {
		return nil, err
	}
	l := &linear{classes: classes, features: features, weights: coef, intercepts: intercepts}
	if rows == 1 {
		l.widen(symmetric)
	}
	if symmetric {
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

// scheme returns an error if the probabilities are no softmax, and whether the one row of a
// classifier of two classes counts for both, with opposite signs.
func (e *estimator) scheme(classes int) (symmetric bool, err error) {
	multi, err := e.text("multi_class")
	if err != nil {
		return false, err
	}
	solver, err := e.text("solver")
	if err != nil {
		return false, err
	}
	version := e.version()
	oneVsRest := false
	switch multi {
	case "multinomial":
		// Before 0.20 a single row was always read as log-odds.
		symmetric = classes == 2 && !olderThan(version, 0, 20)
	case "", "auto", "deprecated":
		oneVsRest = solver == "liblinear" || solver == "newton-cholesky" && (version == "" || olderThan(version, 1, 6))
	case "ovr", "warn":
		oneVsRest = true
	default:
		return false, unsupported(adviceNoSoftmax, "LogisticRegression(multi_class=%q)", multi)
	}
	if oneVsRest && classes > 2 {
		given := fmt.Sprintf("solver=%q", solver)
		if multi != "" {
			given += fmt.Sprintf(", multi_class=%q", multi)
		}
		return false, unsupported(adviceOneVsRest, "a one-vs-rest LogisticRegression (%s) of %d classes", given, classes)
	}
	return symmetric, nil
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
