package sklearn

import (
	"errors"
	"fmt"
	"math"

	"github.com/sepal-ml/sepal/services/modelfile/internal/oneline"
)

// estimator reads the attributes of an instance of one of scikit-learn's classes.
type estimator struct {
	class string
	attrs *dict
}

// maxAttributes bounds the attributes of an object that is read; those of scikit-learn have less
// than fifty.
const maxAttributes = 256

// isEstimator reports whether the value is an instance of a class that is understood.
func isEstimator(v value) bool {
	o, ok := v.(*object)
	return ok && allowed[o.class] == roleEstimator
}

func newEstimator(v value) (*estimator, error) {
	o, ok := v.(*object)
	if !ok || !isEstimator(v) {
		return nil, fmt.Errorf("%s, expected an estimator", kind(v))
	}
	attrs, ok := o.state.(*dict)
	if !ok {
		attrs = &dict{}
	}
	if len(attrs.keys) > maxAttributes {
		return nil, fmt.Errorf("a %s of %d attributes, at most %d are read", o.class.name, len(attrs.keys), maxAttributes)
	}
	return &estimator{class: o.class.name, attrs: attrs}, nil
}

// wrong says what is the matter with an attribute.
func (e *estimator) wrong(attr, format string, args ...any) error {
	return refuse("%s.%s: %s", e.class, attr, fmt.Sprintf(format, args...))
}

// text returns a parameter that is a str; "" where there is none or it is None.
func (e *estimator) text(attr string) (string, error) {
	switch v, _ := e.attrs.get(attr); v := v.(type) {
	case nil, none:
		return "", nil
	case string:
		return v, nil
	default:
		return "", e.wrong(attr, "%s, expected a str", kind(v))
	}
}

// flag returns a parameter that is a bool.
func (e *estimator) flag(attr string, otherwise bool) (bool, error) {
	switch v, _ := e.attrs.get(attr); v := v.(type) {
	case nil:
		return otherwise, nil
	case bool:
		return v, nil
	default:
		return false, e.wrong(attr, "%s, expected a bool", kind(v))
	}
}

// array returns an attribute that fitting makes.
func (e *estimator) array(attr string) (*array, error) {
	v, ok := e.attrs.get(attr)
	if !ok {
		return nil, e.wrong(attr, "missing: the %s is not fitted", e.class)
	}
	a, ok := v.(*array)
	if !ok {
		return nil, e.wrong(attr, "%s, expected a numpy array", kind(v))
	}
	if err := a.readable(); err != nil {
		return nil, e.wrong(attr, "%s", err)
	}
	return a, nil
}

// numbers returns an array of one number for each feature.
func (e *estimator) numbers(attr string, features int) ([]float64, error) {
	a, err := e.array(attr)
	if err != nil {
		return nil, err
	}
	if len(a.shape) != 1 || a.shape[0] != features {
		return nil, e.wrong(attr, "the shape is %v, expected %d numbers, one for each feature", a.shape, features)
	}
	out, err := a.floats()
	if err != nil {
		return nil, e.wrong(attr, "%s", err)
	}
	return out, nil
}

// finite is numbers, none of which is NaN or infinite.
func (e *estimator) finite(attr string, features int) ([]float64, error) {
	out, err := e.numbers(attr, features)
	if err != nil {
		return nil, err
	}
	for i, v := range out {
		if !isFinite(v) {
			return nil, e.wrong(attr, "element %d is %v, expected a finite number", i, v)
		}
	}
	return out, nil
}

func isFinite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// checkFeatures compares what the estimator says of its number of features, if anything.
func (e *estimator) checkFeatures(features int) error {
	const attr = "n_features_in_"
	v, ok := e.attrs.get(attr)
	if !ok {
		return nil
	}
	n, ok := number(v)
	if !ok || n != float64(features) {
		return e.wrong(attr, "%s, but the classifier has weights for %d features", describeNumber(v), features)
	}
	return nil
}

func describeNumber(v value) string {
	if n, ok := number(v); ok {
		return pythonFloat(n, 64)
	}
	return kind(v)
}

// names returns the names of the features that the estimator was fitted on, nil if it has none.
func (e *estimator) names(features int) ([]string, error) {
	const attr = "feature_names_in_"
	if _, ok := e.attrs.get(attr); !ok {
		return nil, nil
	}
	a, err := e.array(attr)
	if err != nil {
		return nil, err
	}
	if len(a.shape) != 1 || a.shape[0] != features {
		return nil, e.wrong(attr, "the shape is %v, expected %d names", a.shape, features)
	}
	out := make([]string, features)
	for i := range out {
		v, err := a.at(i)
		if err != nil {
			return nil, e.wrong(attr, "%s", err)
		}
		name, ok := v.(string)
		if !ok {
			return nil, e.wrong(attr, "element %d is %s, expected a str", i, kind(v))
		}
		out[i] = name
	}
	return out, nil
}

// version returns the version of scikit-learn that wrote the estimator, "" if it does not say.
func (e *estimator) version() string {
	v, _ := e.attrs.get("_sklearn_version")
	s, ok := v.(string)
	if !ok {
		return ""
	}
	return oneline.Text(s[:min(len(s), 64)])
}

// step is a part of a pipeline.
type step struct {
	name string
	*estimator
}

// stepsOf returns the steps of a pipeline without those that pass everything through.
func stepsOf(pipeline *estimator) ([]step, error) {
	const attr, most = "steps", 64
	v, _ := pipeline.attrs.get(attr)
	l, ok := v.(*list)
	if !ok {
		return nil, pipeline.wrong(attr, "%s, expected a list", kind(v))
	}
	if len(l.items) > most {
		return nil, pipeline.wrong(attr, "%d of them, at most %d are read", len(l.items), most)
	}
	var out []step
	for i, item := range l.items {
		name, inside, err := namedStep(item)
		if err != nil {
			return nil, pipeline.wrong(attr, "element %d: %s", i, err)
		}
		if inside == "passthrough" || inside == (none{}) {
			continue
		}
		e, err := newEstimator(inside)
		if err != nil {
			return nil, pipeline.wrong(attr, "element %d: %s", i, err)
		}
		out = append(out, step{name: oneline.Text(name), estimator: e})
	}
	if len(out) == 0 {
		return nil, pipeline.wrong(attr, "there are none")
	}
	return out, nil
}

func namedStep(v value) (string, value, error) {
	pair, ok := v.(tuple)
	if l, isList := v.(*list); isList {
		pair, ok = l.items, true
	}
	if !ok || len(pair) != 2 {
		return "", nil, errors.New("expected a name and an estimator")
	}
	name, ok := pair[0].(string)
	if !ok {
		return "", nil, errors.New("expected a name and an estimator")
	}
	return name, pair[1], nil
}
