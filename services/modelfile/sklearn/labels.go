package sklearn

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// labels returns the classes as Python's str() prints them.
func (e *estimator) labels() ([]string, error) {
	const attr = "classes_"
	a, err := e.array(attr)
	if err != nil {
		return nil, err
	}
	if len(a.shape) != 1 || a.shape[0] > maxFeatures {
		return nil, e.wrong(attr, "the shape is %v, expected one class after the other, at most %d", a.shape, maxFeatures)
	}
	out := make([]string, a.shape[0])
	for i := range out {
		v, err := a.at(i)
		if err != nil {
			return nil, e.wrong(attr, "%s", err)
		}
		if out[i], err = pythonString(v); err != nil {
			return nil, e.wrong(attr, "element %d: %s", i, err)
		}
	}
	return out, nil
}

// pythonString returns what str() makes of the value.
func pythonString(v value) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		if v {
			return "True", nil
		}
		return "False", nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case uint64:
		return strconv.FormatUint(v, 10), nil
	case *big.Int:
		return v.String(), nil
	case float64:
		return pythonFloat(v, 64), nil
	case float32:
		return pythonFloat(float64(v), 32), nil
	case none:
		return "None", nil
	default:
		return "", fmt.Errorf("%s, expected a str, a number or a bool", kind(v))
	}
}

// pythonFloat returns the shortest digits that give the number, with an exponent only from 1e16
// on and below 1e-4.
func pythonFloat(v float64, bits int) string {
	switch {
	case math.IsNaN(v):
		return "nan"
	case math.IsInf(v, 1):
		return "inf"
	case math.IsInf(v, -1):
		return "-inf"
	}
	short := strconv.FormatFloat(v, 'e', -1, bits)
	_, exponent, _ := strings.Cut(short, "e")
	if n, err := strconv.Atoi(exponent); err != nil || n < -4 || n >= 16 {
		return short
	}
	plain := strconv.FormatFloat(v, 'f', -1, bits)
	if !strings.Contains(plain, ".") {
		plain += ".0"
	}
	return plain
}
