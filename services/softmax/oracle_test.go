package softmax_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

const oracles = "../../testdata/oracles/"

// oracle is a fit by scikit-learn; testdata/oracles/README.md says what the fields mean.
type oracle struct {
	Dataset       string
	C             float64
	FitIntercept  bool   `json:"fit_intercept"`
	ClassWeight   string `json:"class_weight"`
	Weights       string
	Standardise   bool
	Coef          [][]float64
	Intercept     []float64
	Objective     float64
	GradInf       float64 `json:"grad_inf"`
	Rows          []int
	Probabilities [][]float64 `json:"proba"`
}

func (o *oracle) String() string {
	s := fmt.Sprintf("%s, C %v", o.Dataset, o.C)
	if !o.FitIntercept {
		s += ", no intercept"
	}
	if o.Weights != "" {
		s += ", weighted"
	}
	if o.ClassWeight != "" {
		s += ", " + o.ClassWeight
	}
	if o.Standardise {
		s += ", on standardised columns"
	}
	return s
}

func readOracles(t testing.TB) []oracle {
	t.Helper()
	return readOracleFile(t, "l2_sklearn_1.9.0.json", 86)
}

func readOracleFile(t testing.TB, name string, count int) []oracle {
	t.Helper()
	data, err := os.ReadFile(oracles + name)
	if err != nil {
		t.Fatal(err)
	}
	var all []oracle
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != count {
		t.Fatalf("%s: %d oracles, expected %d", name, len(all), count)
	}
	return all
}

// options are those of the fit. They give the classes of the table their weights.
func (o *oracle) options(t testing.TB, data *table) softmax.FitOptions {
	t.Helper()
	options := softmax.FitOptions{C: o.C, Unpenalised: o.C == 0, NoIntercept: !o.FitIntercept, Standardise: o.Standardise}
	switch o.ClassWeight {
	case "":
	case "balanced":
		options.ClassWeights = softmax.BalancedWeights(data.samples.Labels, len(data.classes), data.samples.Weights)
	default:
		t.Fatalf("unknown class weights %q", o.ClassWeight)
	}
	return options
}

// definition returns scikit-learn's model.
func (o *oracle) definition(t testing.TB, signature *softmax.Signature, classes []string) softmax.Definition {
	t.Helper()
	width := signature.Width()
	d := softmax.Definition{
		Signature:  signature,
		Classes:    classes,
		Weights:    make([]float64, len(classes)*width),
		Intercepts: make([]float64, len(classes)),
	}
	first := len(classes) - len(o.Coef)
	for k, coef := range o.Coef {
		if copy(d.Weights[(first+k)*width:], coef) != width {
			t.Fatalf("%v: %d coefficients, expected %d", o, len(coef), width)
		}
		d.Intercepts[first+k] = o.Intercept[k]
	}
	return d
}

// table is a data set: its rows and what they are rows of.
type table struct {
	signature *softmax.Signature
	classes   []string
	samples   softmax.Samples
}

// readTable reads a data set by the name that oracles call it.
func readTable(t testing.TB, name string) table {
	t.Helper()
	base, standardised := strings.CutSuffix(name, "_std")
	base, five := strings.CutSuffix(base, "_first5")
	path := oracles + base + ".csv"
	if base == "iris" {
		path = "../../testdata/datasets/iris.csv"
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	records, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	header, last := records[0], len(records[0])-1
	var (
		result   table
		position = map[string]int{}
	)
	columns := last
	if five {
		columns = 5
	}
	for _, record := range records[1:] {
		for _, field := range record[:columns] {
			v, err := strconv.ParseFloat(field, 64)
			if err != nil {
				t.Fatal(err)
			}
			result.samples.Rows = append(result.samples.Rows, v)
		}
		label, seen := position[record[last]]
		if !seen {
			label = classPosition(t, record[last])
			position[record[last]] = label
		}
		result.samples.Labels = append(result.samples.Labels, label)
	}
	features := make([]softmax.Feature, columns)
	for j, name := range header[:columns] {
		features[j].Name = name
	}
	result.signature = newSignature(t, features)
	result.classes = make([]string, len(position))
	for name, k := range position {
		result.classes[k] = name
	}
	if standardised {
		standardise(result.samples.Rows, columns)
	}
	return result
}

// classPosition returns scikit-learn's number of a class.
func classPosition(t testing.TB, label string) int {
	t.Helper()
	for k, species := range []string{"setosa", "versicolor", "virginica"} {
		if label == species {
			return k
		}
	}
	k, err := strconv.Atoi(label)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// standardise takes the mean from each column and divides by its population standard deviation.
func standardise(rows []float64, columns int) {
	n := len(rows) / columns
	for j := range columns {
		var mean, square float64
		for i := range n {
			mean += rows[i*columns+j] / float64(n)
		}
		for i := range n {
			rows[i*columns+j] -= mean
			square += rows[i*columns+j] * rows[i*columns+j] / float64(n)
		}
		if square == 0 {
			square = 1
		}
		for i := range n {
			rows[i*columns+j] /= math.Sqrt(square)
		}
	}
}

// weigh gives the rows the weights that an oracle names.
func (tb *table) weigh(t testing.TB, weights string) {
	t.Helper()
	switch weights {
	case "":
		tb.samples.Weights = nil
	case "1+(i%3)":
		tb.samples.Weights = make([]float64, len(tb.samples.Labels))
		for i := range tb.samples.Weights {
			tb.samples.Weights[i] = float64(1 + i%3)
		}
	default:
		t.Fatalf("unknown weights %q", weights)
	}
}

func (tb *table) row(i int) []float64 {
	p := tb.signature.Len()
	return tb.samples.Rows[i*p : (i+1)*p]
}
