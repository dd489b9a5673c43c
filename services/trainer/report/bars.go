package report

import (
	"math"

	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/trainer"
)

// bars is a drawing of horizontal bars, one line each.
type bars struct {
	Title, Describe string
	Height          float64
	Zero            float64 // where values of 0 lie
	Lines           []barLine
	More            int // lines that are not drawn
}

type barLine struct {
	Label, Full, Value string
	Y, X, Width, Text  float64
	Negative           bool
}

// Widths of the parts of a drawing of bars.
const (
	barsWidth  = 490
	labelWidth = 180
	labelRoom  = 166 // of a label, which ends 8 before the bars
	valueWidth = 60
	lineHeight = 22
)

// newBars draws the values, from 0 to the right; negative ones to the left.
func newBars(title, describe string, labels, shown []string, values []float64) *bars {
	low, high := 0.0, 0.0
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	span := high - low
	if span == 0 {
		span = 1
	}
	room := float64(barsWidth - labelWidth - valueWidth)
	out := &bars{Title: title, Describe: describe, Height: float64(len(values)*lineHeight) + 4, Zero: labelWidth - low/span*room}
	for i, v := range values {
		length := math.Abs(v) / span * room
		line := barLine{
			Label: clipped(labels[i], labelRoom), Full: labels[i], Value: shown[i],
			Y: float64(i * lineHeight), X: out.Zero, Width: length, Negative: v < 0,
		}
		if v < 0 {
			line.X -= length
		}
		line.Text = max(out.Zero, line.X+line.Width) + 6
		out.Lines = append(out.Lines, line)
	}
	return out
}

func classBars(t *dataset.Table) *bars {
	counts := t.ClassCounts()
	shown := min(len(counts), maxClasses)
	values, texts := make([]float64, shown), make([]string, shown)
	for k := range shown {
		values[k] = float64(counts[k])
		texts[k] = number(values[k])
	}
	out := newBars("Rows of each class", "How many rows of the data have each class.", t.Classes, texts, values)
	out.More = len(counts) - shown
	return out
}

func weightBars(class string, weights []trainer.Weight) *bars {
	labels, texts, values := make([]string, len(weights)), make([]string, len(weights)), make([]float64, len(weights))
	for i, w := range weights {
		labels[i], texts[i], values[i] = w.Column, number(w.PerDeviation), w.PerDeviation
	}
	return newBars("Weights of "+class, "What the logit of the class gains per standard deviation of each column, the largest first.",
		labels, texts, values)
}
