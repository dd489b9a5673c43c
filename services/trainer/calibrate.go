package trainer

import (
	"fmt"
	"math"

	"github.com/sepal-ml/sepal/services/softmax"
)

// Calibration is how the temperature was chosen.
type Calibration struct {
	// Temperature is what the logits are divided by.
	Temperature float64
	// Rows is the number of rows on which it was chosen.
	Rows int
	// Before and After are the mean log-loss of these rows, in nats, at temperature 1 and at the
	// one chosen.
	Before, After float64
}

const (
	// The temperatures that are chosen from: rows that are all classified rightly would have it
	// fall for ever.
	minTemperature, maxTemperature = 0.01, 100
	// maxLogits bounds the logits that are kept: 64 MiB. One number can be had from fewer rows.
	maxLogits = 1 << 23
)

// calibration gathers the logits of rows that the models were not fitted on.
type calibration struct {
	classes int
	every   int // one row of so many is taken
	seen    int
	logits  []float64 // less the largest of the row
	labels  []int
}

// newCalibration returns one that keeps evenly spread ones of so many rows.
func newCalibration(rows, classes int) *calibration {
	most := max(1, maxLogits/classes)
	return &calibration{classes: classes, every: (rows + most - 1) / most}
}

// add takes a row of that class. It does nothing for nil.
func (c *calibration) add(probabilities []float64, label int) {
	if c == nil {
		return
	}
	c.seen++
	if (c.seen-1)%c.every != 0 {
		return
	}
	// Logits matter up to a summand, which takes in the sum of the exponentials.
	for _, p := range probabilities {
		c.logits = append(c.logits, math.Log(max(p, smallestNormal)))
	}
	c.labels = append(c.labels, label)
}

// choose returns the temperature of the lowest log-loss, 1 if none is lower. By its inverse the loss
// is convex, so its derivative tells on which side the minimum lies.
func (c *calibration) choose() *Calibration {
	before, slope := c.loss(1)
	if slope == 0 {
		return &Calibration{Temperature: 1, Rows: len(c.labels), Before: before, After: before}
	}
	low, high := math.Log(1/float64(maxTemperature)), math.Log(1/float64(minTemperature))
	for range 100 {
		middle := (low + high) / 2
		if middle <= low || middle >= high {
			break
		}
		if _, slope := c.loss(math.Exp(middle)); slope <= 0 { // 0 where all rows are as sure as can be
			low = middle
		} else {
			high = middle
		}
	}
	out := &Calibration{Temperature: math.Exp(-(low + high) / 2), Rows: len(c.labels), Before: before}
	out.After, _ = c.loss(1 / out.Temperature)
	return out
}

// notes says that the best temperature may lie beyond those that are chosen from.
func (c *Calibration) notes() []string {
	const near = 1 + 1e-6
	switch {
	case c.Temperature < minTemperature*near:
		return []string{fmt.Sprintf("the temperature %.4g was chosen, the lowest there is: "+
			"the rows of the folds are all classified rightly, and how sure to be of others they cannot tell", c.Temperature)}
	case c.Temperature > maxTemperature/near:
		return []string{fmt.Sprintf("the temperature %.4g was chosen, the highest there is: "+
			"the rows of the folds tell of nothing that the model has learned", c.Temperature)}
	}
	return nil
}

// loss returns the mean log-loss of the rows, their logits multiplied by the factor, and its
// derivative by the factor.
func (c *calibration) loss(factor float64) (loss, slope float64) {
	k := c.classes
	scaled, probabilities := make([]float64, k), make([]float64, k)
	for i, label := range c.labels {
		logits := c.logits[i*k : (i+1)*k]
		for j, z := range logits {
			scaled[j] = factor * z
		}
		softmax.Softmax(probabilities, scaled)
		loss += rowLoss(probabilities[label])
		slope -= logits[label]
		for j, p := range probabilities {
			slope += p * logits[j]
		}
	}
	n := float64(len(c.labels))
	return loss / n, slope / n
}

// tempered returns the model with its logits divided by the temperature.
func tempered(m *softmax.Model, temperature float64) (*softmax.Model, error) {
	if temperature == 1 {
		return m, nil
	}
	return m.WithTemperature(temperature)
}
