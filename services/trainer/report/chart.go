package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/trainer"
)

// chart is a drawing with two axes.
type chart struct {
	Title, Describe, XName, YName string
	XTicks, YTicks                []tick
	Lines                         []line
	Rects                         []rect
	Marks                         []mark
	Note                          string
}

type tick struct {
	At   float64
	Text string
}

type line struct {
	Path   markup
	Colour int // -1: that of the diagonal
	Label  string
}

type rect struct {
	X, Y, Width, Height float64
	Title               string
}

type mark struct {
	X, Y, Low, High float64
	Title           string
	Chosen          bool
}

// The plane of a chart within its drawing.
const (
	planeLeft, planeTop      = 70, 10
	planeWidth, planeHeight  = 350, 300
	colours                  = 10
	planeRight, planeBottom  = planeLeft + planeWidth, planeTop + planeHeight
	ticksOfShares, halfATick = 5, 0.5
)

func x(share float64) float64 { return planeLeft + share*planeWidth }

func y(share float64) float64 { return planeBottom - share*planeHeight }

// shareTicks are the ticks of both axes from 0 to 1.
func shareTicks() (across, up []tick) {
	for i := range ticksOfShares + 1 {
		share := float64(i) / ticksOfShares
		across = append(across, tick{At: x(share), Text: fmt.Sprintf("%.1f", share)})
		up = append(up, tick{At: y(share), Text: fmt.Sprintf("%.1f", share)})
	}
	return across, up
}

func diagonal() line {
	return line{Path: "M" + px(x(0)) + " " + px(y(0)) + "L" + px(x(1)) + " " + px(y(1)), Colour: -1}
}

func rocChart(classes []string, curves []trainer.Curve) *chart {
	if len(curves) == 0 {
		return nil
	}
	c := &chart{
		Title:    "ROC curves",
		Describe: "Share of the rows of a class that are found, by share of the other rows that are taken for it.",
		XName:    "false positive rate", YName: "true positive rate",
		Lines: []line{diagonal()},
	}
	c.XTicks, c.YTicks = shareTicks()
	for i, curve := range curves[:min(len(curves), maxCurves)] {
		var path strings.Builder
		for j, p := range curve.Points {
			path.WriteString(string(pick(j == 0, "M", "L") + px(x(p.FalsePositives)) + " " + px(y(p.TruePositives))))
		}
		c.Lines = append(c.Lines, line{
			Path: markup(path.String()), Colour: i % colours,
			Label: fmt.Sprintf("%s, AUC %s", classes[curve.Class], number(curve.Area)),
		})
	}
	if more := len(curves) - maxCurves; more > 0 {
		c.Note = fmt.Sprintf("%d more classes are not drawn.", more)
	}
	return c
}

func reliabilityChart(bins []*modelv1.ReliabilityBin) *chart {
	c := &chart{
		Title:    "Reliability",
		Describe: "How often predictions of some confidence are right: where the bars meet the diagonal, as often as they say.",
		XName:    "confidence", YName: "accuracy",
		Lines: []line{diagonal()},
	}
	c.XTicks, c.YTicks = shareTicks()
	width := planeWidth / float64(len(bins))
	for i, b := range bins {
		if b.GetRows() == 0 {
			continue
		}
		title := fmt.Sprintf("%d rows of mean confidence %s, %s right", b.GetRows(), percent(b.GetMeanConfidence()), percent(b.GetAccuracy()))
		c.Rects = append(c.Rects, rect{
			X: planeLeft + float64(i)*width + 1, Y: y(b.GetAccuracy()), Width: width - 2, Height: b.GetAccuracy() * planeHeight, Title: title,
		})
		c.Marks = append(c.Marks, mark{X: x(b.GetMeanConfidence()), Y: y(b.GetAccuracy()), Low: y(b.GetAccuracy()), High: y(b.GetAccuracy()), Title: title})
	}
	return c
}

// tuningChart has C by decades, and the log-loss within the bounds of its means and deviations.
func tuningChart(t *modelv1.Tuning, chosen float64) *chart {
	points := t.GetPoints()
	if len(points) == 0 {
		return nil
	}
	c := &chart{
		Title:    "Choice of C",
		Describe: fmt.Sprintf("Log-loss of the rows of %d folds, by C: mean and standard deviation over the folds.", t.GetFolds()),
		XName:    "C", YName: "log-loss, nats",
	}
	first, last := math.Log10(points[0].GetRegularisationC()), math.Log10(points[len(points)-1].GetRegularisationC())
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range points {
		low = min(low, p.GetLogLossMean()-p.GetLogLossSd())
		high = max(high, p.GetLogLossMean()+p.GetLogLossSd())
	}
	along, up := axis(first, last), axis(low, high)
	var path strings.Builder
	for i, p := range points {
		at, loss := x(along(math.Log10(p.GetRegularisationC()))), up(p.GetLogLossMean())
		path.WriteString(string(pick(i == 0, "M", "L") + px(at) + " " + px(y(loss))))
		c.Marks = append(c.Marks, mark{
			X: at, Y: y(loss), Low: y(up(p.GetLogLossMean() - p.GetLogLossSd())), High: y(up(p.GetLogLossMean() + p.GetLogLossSd())),
			Chosen: p.GetRegularisationC() == chosen,
			Title:  fmt.Sprintf("C %s: log-loss %s ± %s", number(p.GetRegularisationC()), number(p.GetLogLossMean()), number(p.GetLogLossSd())),
		})
	}
	c.Lines = append(c.Lines, line{Path: markup(path.String())})
	const rounding = 1e-9
	for exponent := math.Ceil(first - rounding); exponent <= last+rounding; exponent += max(1, math.Ceil((last-first)/8)) {
		c.XTicks = append(c.XTicks, tick{At: x(along(exponent)), Text: fmt.Sprintf("1e%g", exponent)})
	}
	for i := range ticksOfShares {
		share := float64(i) / (ticksOfShares - 1)
		c.YTicks = append(c.YTicks, tick{At: y(share), Text: strconv.FormatFloat(low+share*(high-low), 'g', 3, 64)})
	}
	return c
}

// axis returns the function that takes low to 0 and high to 1.
func axis(low, high float64) func(float64) float64 {
	if high == low {
		return func(float64) float64 { return halfATick }
	}
	return func(v float64) float64 { return (v - low) / (high - low) }
}
