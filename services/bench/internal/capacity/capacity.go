// Package capacity turns what a benchmark measured into how many servers a load needs, and what
// they cost. It is arithmetic: nothing is measured here.
package capacity

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/sepal-ml/sepal/services/bench/internal/report"
)

// Figure is the processor time of one prediction, as one way of asking costs it.
type Figure struct {
	// Name says which way.
	Name string
	// Ours is Sepal's, Python that of the Python service; 0 where it was not measured.
	Ours, Python time.Duration
}

// measured are the lines of a report that figures come from: those whose name begins so.
var measured = []struct{ name, prefix string }{
	{"gRPC Predict", "CPU per gRPC Predict"},
	{"JSON Predict over HTTP/1.1", "CPU per JSON Predict"},
	{"gRPC-Web Predict over HTTP/1.1", "CPU per gRPC-Web Predict"},
	{"PredictStream, a row per message", "CPU per prediction of PredictStream"},
	{"BatchPredict, 10 000 rows a call", "CPU per row of BatchPredict"},
}

// Figures returns the figures of a report. What was measured several times counts with its median.
func Figures(r *report.Report) ([]Figure, error) {
	var figures []Figure
	for _, m := range measured {
		var ours, python []float64
		for _, l := range r.Lines {
			if !strings.HasPrefix(l.Name, m.prefix) || l.Unit != "µs" || l.Ours == nil {
				continue
			}
			ours = append(ours, *l.Ours)
			if l.Peer == "Python" && l.Theirs != nil {
				python = append(python, *l.Theirs)
			}
		}
		if len(ours) == 0 {
			return nil, fmt.Errorf("the report has no line %q in µs", m.prefix)
		}
		figures = append(figures, Figure{Name: m.name, Ours: micros(median(ours)), Python: micros(median(python))})
	}
	return figures, nil
}

func micros(v float64) time.Duration { return time.Duration(math.Round(v * float64(time.Microsecond))) }

// median returns 0 for no values.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}

// Plan says how servers are set up, and what they cost.
type Plan struct {
	// Cores is how many processors a replica has.
	Cores int
	// Utilisation is the share of their time that predictions may take, between 0 and 1.
	Utilisation float64
	// Spare is how many replicas may be gone while the others stay within that.
	Spare int
	// Price is that of a processor for an hour, in whatever currency.
	Price float64
}

// Check returns what is wrong with a plan.
func (p Plan) Check() error {
	switch {
	case p.Cores < 1:
		return fmt.Errorf("a replica has %d processors, expected 1 or more", p.Cores)
	case !(p.Utilisation > 0 && p.Utilisation < 1):
		return fmt.Errorf("the utilisation is %v, expected more than 0 and less than 1", p.Utilisation)
	case p.Spare < 0:
		return fmt.Errorf("%d replicas are spare, expected 0 or more", p.Spare)
	case !(p.Price >= 0) || math.IsInf(p.Price, 0):
		return fmt.Errorf("the price is %v, expected 0 or more", p.Price)
	}
	return nil
}

// Busy returns how many processors a rate of predictions per second keeps busy.
func Busy(rate float64, cost time.Duration) float64 { return rate * cost.Seconds() }

// Replicas returns how many a rate of predictions per second needs, spare ones included.
func (p Plan) Replicas(rate float64, cost time.Duration) int {
	// What is a whole number but for the last bits is that number.
	needed := Busy(rate, cost) / (float64(p.Cores) * p.Utilisation)
	return max(int(math.Ceil(needed-1e-9)), 1) + p.Spare
}

// PerMillion returns the price of a million predictions, at the utilisation of the plan and
// without spare replicas, whose share depends on how many there are.
func (p Plan) PerMillion(cost time.Duration) float64 {
	return Busy(1e6, cost) / p.Utilisation / 3600 * p.Price
}
