package dataset

import (
	"math"

	"github.com/sepal-ml/sepal/services/softmax"
)

// newFixed returns the column of a feature of a schema.
func newFixed(f *softmax.Feature) *column {
	c := &column{name: f.Name, fixed: f, numeric: !f.Categorical(), categorical: f.Categorical()}
	if c.categorical {
		c.position = make(map[string]float64, len(f.Categories))
		for i, category := range f.Categories {
			c.position[category] = float64(i)
		}
	}
	return c
}

// fit returns the value of a text as the schema has it.
func (c *column) fit(text []byte, at int) (float64, *Error) {
	if c.numeric {
		number, ok := parseNumber(text)
		if ok || math.IsInf(number, 0) {
			return 0, c.fail(at, notInRange, brief(text), MaxMagnitude)
		}
		return 0, c.fail(at, "%q is not a number, as the schema has the column", brief(text))
	}
	if position, known := c.position[string(text)]; known {
		return position, nil
	}
	if other := c.fixed.Other; other != nil {
		return float64(*other), nil
	}
	return 0, c.fail(at, "%q is none of the %d categories that the schema has: %s",
		brief(text), len(c.fixed.Categories), listNames(c.fixed.Categories))
}
