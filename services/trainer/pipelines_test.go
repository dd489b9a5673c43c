package trainer

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/softmax"
)

// pipeline is what scikit-learn made of a table; testdata/oracles/pipelines/README.md says what
// the fields mean.
type pipeline struct {
	Name, Label, Weight   string
	NumbersOnly           bool `json:"numbers_only"`
	Standardise, Balanced bool
	C                     float64
	RareBelow             int `json:"rare_below"`
	Classes, Columns      []string
	Coef                  [][]float64
	Rows                  []map[string]any
	Probabilities         [][]float64 `json:"proba"`
	TrainLogLoss          float64     `json:"train_log_loss"`
}

const pipelines = "../../testdata/oracles/pipelines/"

func readPipelines(t *testing.T) []pipeline {
	t.Helper()
	data, err := os.ReadFile(pipelines + "pipelines_sklearn_1.9.0.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []pipeline }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) != 7 {
		t.Fatalf("%d cases, expected 7", len(file.Cases))
	}
	return file.Cases
}

func (p *pipeline) table(t *testing.T) *dataset.Table {
	t.Helper()
	o := dataset.Options{Label: p.Label, Weight: p.Weight, Impute: true, RareBelow: p.RareBelow, Drop: []string{"segment", "left", "copies"}}
	o.Drop = slices.DeleteFunc(o.Drop, func(name string) bool { return name == p.Label || name == p.Weight })
	if p.NumbersOnly {
		o.Drop = append(o.Drop, "city", "plan")
	}
	table, err := dataset.Load(t.Context(), dataset.Source{Path: pipelines + "customers.csv"}, o)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// pipelineTolerance is how far weights may be from scikit-learn's, relative to the largest of their
// column.
const pipelineTolerance = 1e-6

func TestModelsAreThoseOfScikitLearnsPipelines(t *testing.T) {
	t.Parallel()
	for _, p := range readPipelines(t) {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			o := options()
			o.C, o.Standardise, o.Balanced, o.HoldOut, o.Folds = p.C, p.Standardise, p.Balanced, 0, 0
			table := p.table(t)
			result := train(t, o, table)
			_, model := decode(t, result.Model)
			if !slices.Equal(result.Model.GetClasses(), p.Classes) {
				t.Fatalf("classes are %v, expected %v", result.Model.GetClasses(), p.Classes)
			}
			p.checkWeights(t, model.Definition())
			for i, row := range p.Rows {
				got := make([]float64, len(p.Classes))
				if _, err := model.Predict(got, asServed(t, model.Signature(), row)); err != nil {
					t.Fatal(err)
				}
				for k, want := range p.Probabilities[i] {
					if math.Abs(got[k]-want) > pipelineTolerance {
						t.Errorf("row %v: probabilities are %v, expected %v", row, got, p.Probabilities[i])
						break
					}
				}
			}
			s := newScore(len(p.Classes))
			err := predictAll(t.Context(), model, softmax.Samples{Rows: table.Rows, Labels: table.Labels}, func(row int, probabilities []float64, predicted int) {
				s.add(probabilities, predicted, table.Labels[row])
			})
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(s.logLoss()-p.TrainLogLoss) > 1e-9 {
				t.Errorf("the log-loss of the rows trained on is %v, expected %v", s.logLoss(), p.TrainLogLoss)
			}
		})
	}
}

// asServed makes a row of raw values, as a server does: gaps are filled and texts looked up by the
// signature alone.
func asServed(t *testing.T, s *softmax.Signature, raw map[string]any) []float64 {
	t.Helper()
	row := make([]float64, s.Len())
	for j := range row {
		f := s.Feature(j)
		switch v := raw[f.Name].(type) {
		case float64:
			row[j] = v
		case string:
			at, ok := f.Position(v)
			if !ok {
				t.Fatalf("%s does not take %q", f.Name, v)
			}
			row[j] = float64(at)
		default:
			row[j] = *f.Impute
		}
	}
	return row
}

func (p *pipeline) checkWeights(t *testing.T, d softmax.Definition) {
	t.Helper()
	names, width := columnNames(d.Signature), d.Signature.Width()
	if width != len(p.Columns) {
		t.Fatalf("there are %d columns (%v), expected %d", width, names, len(p.Columns))
	}
	for at, column := range p.Columns {
		name := strings.Replace(strings.Replace(column, "infrequent_sklearn", "other", 1), "_", "=", 1)
		mine := slices.Index(names, name)
		if mine < 0 {
			t.Fatalf("there is no column %s among %v", name, names)
		}
		want, largest := p.column(at), 0.0
		for _, w := range want {
			largest = max(largest, math.Abs(w))
		}
		for k, class := range p.Classes {
			if got := d.Weights[k*width+mine]; math.Abs(got-want[k]) > pipelineTolerance*largest {
				t.Errorf("the weight of %s for %s is %v, expected %v", name, class, got, want[k])
			}
		}
	}
}

// column returns the weights of a column, one per class. Of three classes and more they sum to 0 at
// the minimum; scikit-learn comes less near to that where the weights are small.
func (p *pipeline) column(at int) []float64 {
	if len(p.Coef) == 1 {
		return []float64{0, p.Coef[0][at]}
	}
	var mean float64
	weights := make([]float64, len(p.Coef))
	for k := range weights {
		weights[k] = p.Coef[k][at]
		mean += weights[k] / float64(len(weights))
	}
	for k := range weights {
		weights[k] -= mean
	}
	return weights
}
