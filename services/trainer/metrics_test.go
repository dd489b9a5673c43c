package trainer

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

// metricsCase is predictions and what scikit-learn says of them; testdata/oracles/metrics/README.md
// says what the fields mean.
type metricsCase struct {
	Name            string
	Labels          []int
	Probabilities   [][]float64
	Accuracy        float64
	LogLoss         float64 `json:"log_loss"`
	MacroF1         float64 `json:"macro_f1"`
	Brier           float64
	MeanConfidence  float64 `json:"mean_confidence"`
	CalibrationErr  float64 `json:"calibration_error"`
	Confusion       []uint32
	ROCAUC          *float64 `json:"roc_auc"`
	Areas           []float64
	LastCurve       [][2]float64 `json:"last_curve"`
	BinRows         []uint32     `json:"bin_rows"`
	BinConfidence   []float64    `json:"bin_confidence"`
	BinAccuracy     []float64    `json:"bin_accuracy"`
	BestTemperature float64      `json:"temperature"`
}

func metricsCases(t *testing.T) []metricsCase {
	t.Helper()
	data, err := os.ReadFile("../../testdata/oracles/metrics/metrics_sklearn_1.9.0.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []metricsCase }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) != 5 {
		t.Fatalf("%d cases, expected 5", len(file.Cases))
	}
	return file.Cases
}

// echo returns a model whose logits are the features.
func echo(t *testing.T, classes int) *softmax.Model {
	t.Helper()
	features, names := make([]softmax.Feature, classes), make([]string, classes)
	weights := make([]float64, classes*classes)
	for k := range classes {
		names[k] = string(rune('a' + k))
		features[k].Name = names[k]
		weights[k*classes+k] = 1
	}
	signature, err := softmax.NewSignature(features)
	if err != nil {
		t.Fatal(err)
	}
	m, err := softmax.NewModel(softmax.Definition{
		Signature: signature, Classes: names, Weights: weights, Intercepts: make([]float64, classes),
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (c *metricsCase) samples() softmax.Samples {
	s := softmax.Samples{Labels: c.Labels}
	for _, row := range c.Probabilities {
		for _, p := range row {
			s.Rows = append(s.Rows, math.Log(p))
		}
	}
	return s
}

func TestMetricsAreScikitLearns(t *testing.T) {
	t.Parallel()
	for _, c := range metricsCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			s := newScore(len(c.Probabilities[0]))
			for i, row := range c.Probabilities {
				s.add(row, argmax(row), c.Labels[i])
			}
			got := s.metrics()
			expectNear(t, "accuracy, log-loss, macro F1, Brier, calibration error, mean confidence",
				[]float64{got.GetAccuracy(), got.GetLogLoss(), got.GetMacroF1(), got.GetBrier(), got.GetCalibrationError(), got.GetMeanConfidence()},
				c.Accuracy, c.LogLoss, c.MacroF1, c.Brier, c.CalibrationErr, c.MeanConfidence)
			if !slices.Equal(got.GetConfusion(), c.Confusion) {
				t.Errorf("confusion is %v, expected %v", got.GetConfusion(), c.Confusion)
			}
			for i, b := range got.GetReliability() {
				if b.GetRows() != c.BinRows[i] {
					t.Errorf("bin %d has %d rows, expected %d", i, b.GetRows(), c.BinRows[i])
				}
				expectNear(t, "confidence and accuracy of a bin", []float64{b.GetMeanConfidence(), b.GetAccuracy()}, c.BinConfidence[i], c.BinAccuracy[i])
			}
		})
	}
}

func TestAreasUnderTheCurveAreScikitLearns(t *testing.T) {
	t.Parallel()
	for _, c := range metricsCases(t) {
		if c.ROCAUC == nil {
			continue
		}
		k := len(c.Probabilities[0])
		curves := make([]Curve, len(c.Areas))
		areas := make([]float64, len(c.Areas))
		for i := range curves {
			class := k - len(curves) + i
			column := make([]float64, len(c.Labels))
			for row, p := range c.Probabilities {
				column[row] = p[class]
			}
			curves[i] = rocCurve(column, c.Labels, class)
			areas[i] = curves[i].Area
		}
		expectNear(t, c.Name+": areas", areas, c.Areas...)
		expectNear(t, c.Name+": mean area", []float64{*meanArea(curves)}, *c.ROCAUC)
		last := curves[len(curves)-1]
		for _, p := range c.LastCurve {
			if !onCurve(last.Points, p[0], p[1]) {
				t.Errorf("%s: (%v, %v) is not on the curve %v", c.Name, p[0], p[1], last.Points)
			}
		}
	}
}

func TestCurvesAreThoseOfTheModel(t *testing.T) {
	t.Parallel()
	for _, c := range metricsCases(t) {
		if strings.Contains(c.Name, "ties") { // which the model's rounding breaks
			continue
		}
		curves, err := rocCurves(t.Context(), echo(t, len(c.Probabilities[0])), c.samples())
		if err != nil {
			t.Fatal(err)
		}
		if c.ROCAUC == nil {
			if curves != nil || meanArea(curves) != nil {
				t.Errorf("%s: there is an area though a class has no row", c.Name)
			}
			continue
		}
		expectNear(t, c.Name+": mean area", []float64{*meanArea(curves)}, *c.ROCAUC)
		if curves[len(curves)-1].Class != len(c.Probabilities[0])-1 {
			t.Errorf("%s: the last curve is of class %d", c.Name, curves[len(curves)-1].Class)
		}
	}
}

// onCurve reports whether a point lies on one of the lines.
func onCurve(points []CurvePoint, x, y float64) bool {
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		dx, dy := b.FalsePositives-a.FalsePositives, b.TruePositives-a.TruePositives
		across := (x-a.FalsePositives)*dy - (y-a.TruePositives)*dx
		along := (x-a.FalsePositives)*dx + (y-a.TruePositives)*dy
		if math.Abs(across) < 1e-12 && along > -1e-12 && along < dx*dx+dy*dy+1e-12 {
			return true
		}
	}
	return false
}

func TestTemperatureIsScikitLearns(t *testing.T) {
	t.Parallel()
	for _, c := range metricsCases(t) {
		heat := newCalibration(len(c.Labels), len(c.Probabilities[0]))
		for i, row := range c.Probabilities {
			heat.add(row, c.Labels[i])
		}
		got := heat.choose()
		if math.Abs(got.Temperature-c.BestTemperature) > 1e-6 || got.Rows != len(c.Labels) {
			t.Errorf("%s: %+v, expected the temperature %v", c.Name, got, c.BestTemperature)
		}
		if math.Abs(got.Before-c.LogLoss) > 1e-12 || got.After >= got.Before {
			t.Errorf("%s: log-loss goes from %v to %v, expected less than %v", c.Name, got.Before, got.After, c.LogLoss)
		}
	}
}

func TestTemperatureHasBounds(t *testing.T) {
	t.Parallel()
	right, wrong := newCalibration(1, 2), newCalibration(1, 2)
	right.add([]float64{0.4, 0.6}, 1)
	wrong.add([]float64{0.4, 0.6}, 0)
	expectNear(t, "temperatures", []float64{right.choose().Temperature, wrong.choose().Temperature}, minTemperature, maxTemperature)
	for _, c := range []struct {
		calibration *calibration
		want        string
	}{
		{right, "the temperature 0.01 was chosen, the lowest there is"},
		{wrong, "the temperature 100 was chosen, the highest there is"},
	} {
		if notes := c.calibration.choose().notes(); len(notes) != 1 || !strings.HasPrefix(notes[0], c.want) {
			t.Errorf("notes are %q, expected %q", notes, c.want)
		}
	}
}

// Where all classes are as probable, or all rows as sure as can be, no temperature is better.
func TestTemperatureStaysWhereNoneIsBetter(t *testing.T) {
	t.Parallel()
	for _, row := range [][]float64{{0.5, 0.5}, {0, 1}} {
		heat := newCalibration(2, 2)
		heat.add(row, 1)
		heat.add(row, 1)
		if got := heat.choose(); got.Temperature != 1 || got.Before != got.After || len(got.notes()) > 0 {
			t.Errorf("%v: got %+v with the notes %q, expected the temperature 1", row, got, got.notes())
		}
	}
}

func TestCalibrationTakesEvenlySpreadRowsOfMany(t *testing.T) {
	t.Parallel()
	c := newCalibration(3*maxLogits, 2)
	if c.every != 6 {
		t.Errorf("one row of %d is taken, expected one of 6", c.every)
	}
	for range 13 {
		c.add([]float64{0.5, 0.5}, 0)
	}
	if len(c.labels) != 3 {
		t.Errorf("%d of 13 rows are taken, expected 3", len(c.labels))
	}
}

func TestAreaOfManyRowsIsThatOfPairs(t *testing.T) {
	t.Parallel()
	const n = 2000
	scores, labels := make([]float64, n), make([]int, n)
	var hits, misses []float64
	for i := range n {
		scores[i] = float64((i*7919)%101) / 101 // many ties
		if (i*31)%97 < 20+(i*7919)%101/4 {
			labels[i] = 1
			hits = append(hits, scores[i])
		} else {
			misses = append(misses, scores[i])
		}
	}
	var pairs float64
	for _, hit := range hits {
		for _, miss := range misses {
			switch {
			case hit > miss:
				pairs++
			case hit == miss:
				pairs += 0.5
			}
		}
	}
	curve := rocCurve(scores, labels, 1)
	expectNear(t, "area", []float64{curve.Area}, pairs/float64(len(hits)*len(misses)))
	if len(curve.Points) > maxCurvePoints || curve.Points[0] != (CurvePoint{}) || curve.Points[len(curve.Points)-1] != (CurvePoint{1, 1}) {
		t.Errorf("the curve has %d points from %v", len(curve.Points), curve.Points[0])
	}
}

func argmax(values []float64) int {
	return slices.Index(values, slices.Max(values))
}
