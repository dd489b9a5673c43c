package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/testenv"
	"github.com/sepal-ml/sepal/services/trainer"
)

// customersCSV has gaps, rare categories, a column of weights and two labels.
const customersCSV = testdataMark + "/oracles/pipelines/customers.csv"

func TestTrainChoosesAndReports(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	output, page := filepath.Join(folder, "m.json"), filepath.Join(folder, "m.html")
	got := sepalCommand(t, "", strings.Fields("train "+customersCSV+" --label segment --drop left --weight copies --impute median --rare-below 10 "+
		"--standardise --tune --c-grid 0.01,0.1,1 --calibrate --class-weight balanced --workers 1 --report "+page+" -o "+output)...)
	if got.code != exitOK {
		t.Fatalf("got %v", got)
	}
	for _, want := range []string{
		"tuning, 5 folds\n\n  C     log-loss         accuracy\n  0.01  ",
		"  chosen\n",
		"hold-out, 48 of 240 rows\n\n  accuracy           0.",
		"  calibration error  0.",
		"  confidence  rows  mean    accuracy\n",
		"largest weights, per standard deviation\n\n  calm ",
		"; all else as other",
		"segment  rows  weight\ncalm     94    188\n",
		", on the standardised scale, seed 1\n",
		"class weights calm 0.8511, grow 1.135, risk 1.06\n",
		"logits divided by the temperature 0.",
		"which takes the log-loss of 192 rows of the folds from",
		"\nreport  " + page + "\n",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("the output lacks %q:\n%s", want, got.stdout)
		}
	}
	for line := range strings.Lines(got.stdout) {
		if strings.TrimRight(line, " \n") != strings.TrimSuffix(line, "\n") {
			t.Errorf("%q ends in blanks", line)
		}
	}
	report := decodeFile(t, output).GetTraining()
	if report.GetTuning().GetFolds() != 5 || len(report.GetTuning().GetPoints()) != 3 || report.Temperature == nil || len(report.GetClassWeights()) != 3 ||
		!report.GetStandardised() || len(report.GetHoldOut().GetReliability()) != 10 {
		t.Errorf("report is %v", report)
	}
	html, err := os.ReadFile(page)
	if err != nil || !strings.HasPrefix(string(html), "<!doctype html>") || !strings.Contains(string(html), "Choice of C") {
		t.Errorf("the page is %.200s, %v", html, err)
	}
}

func TestTrainTellsOfTuning(t *testing.T) {
	t.Parallel()
	got := sepalCommand(t, "", "train", irisCSV, "--label", "species", "--folds", "2", "--tune", "--hold-out", "0", "-o", filepath.Join(t.TempDir(), "m.json"))
	const want = "sepal: tuning, fold 1 of 2\nsepal: tuning, fold 2 of 2\nsepal: cross-validation, fold 1 of 2\nsepal: cross-validation, fold 2 of 2\nsepal: final fit\n"
	if got.stderr != want {
		t.Errorf("stderr is %q, expected %q", got.stderr, want)
	}
}

func TestTrainByASchema(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	schema, first, second := filepath.Join(folder, "schema.json"), filepath.Join(folder, "a.json"), filepath.Join(folder, "b.json")
	flags := " --label segment --drop left,copies --impute median --folds 0 -o "
	got := sepalCommand(t, "", strings.Fields("train "+customersCSV+flags+first+" --rare-below 10 --unit income=EUR --write-schema "+schema)...)
	if got.code != exitOK || !strings.HasPrefix(got.stderr, "sepal: the features are in "+schema+"\n") {
		t.Fatalf("got %v", got)
	}
	text, err := os.ReadFile(schema)
	if err != nil || !strings.Contains(string(text), `"other": "other"`) || !strings.Contains(string(text), `"unit": "EUR"`) {
		t.Fatalf("the schema is %s, %v", text, err)
	}
	if got := sepalCommand(t, "", strings.Fields("train "+customersCSV+strings.Replace(flags, " --drop left,copies", "", 1)+second+" --schema "+schema)...); got.code != exitOK {
		t.Fatalf("got %v", got)
	}
	kinds := func(m *modelv1.Model) (all []string) {
		for _, f := range m.GetSignature().GetFeatures() {
			all = append(all, f.GetName()+" "+f.GetUnit()+" "+strings.Join(f.GetCategorical().GetCategories(), ",")+" "+f.GetCategorical().GetOther())
		}
		return all
	}
	if diff := cmp.Diff(kinds(decodeFile(t, first)), kinds(decodeFile(t, second))); diff != "" {
		t.Errorf("features (-inferred +by schema):\n%s", diff)
	}
	if got := sepalCommand(t, "age,income,rate,city,plan,segment\n30,many,0.1,oslo,pro,calm\n", strings.Fields("train - --label segment -o "+second+" --schema "+schema)...); got.code != exitFailure || !strings.Contains(got.stderr, `column "income"`) {
		t.Errorf("a text in a column of numbers: got %v", got)
	}
}

func TestTrainRefusesASchemaThatIsNone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"features": [{"name": "a", "numeric": {}}, {"name": "a", "numeric": {}}]}`: `features[1].name: "a" is also the name of features[0]`,
		`{"features": [{"name": "a"}]}`:                                              "features[0]: neither numeric nor categorical",
		`{}`:                                                                         "features: a model needs at least one",
		`{"features": [{"colour": "red"}]}`:                                          `is not the JSON of a signature: (line 1:16): unknown field "colour"`,
		`{"features": [{"name": "a", "categorical": {"categories": ["x"], "other": "z"}}]}`: `features[0]: other "z" is none of the categories`,
	} {
		folder := t.TempDir()
		path := filepath.Join(folder, "schema.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got := sepalCommand(t, "", "train", irisCSV, "--label", "species", "--schema", path, "-o", filepath.Join(folder, "m.json"))
		if got.code != exitFailure || !strings.Contains(got.stderr, "--schema: "+path) || !strings.Contains(got.stderr, want) {
			t.Errorf("%s: got %v, expected %s", text, got, want)
		}
	}
}

func TestTrainRefusesOneFileForTwo(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	data, linked := filepath.Join(folder, "data.csv"), filepath.Join(folder, "linked.json")
	const text = "x,y\n1,a\n2,b\n"
	if err := errors.Join(os.WriteFile(data, []byte(text), 0o600), os.Symlink("data.csv", linked)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ flags, want string }{
		{"-o m.json --report m.json", "--output and --report are both m.json, expected two files"},
		{"-o m.json --report ./x/../m.json", "--output and --report are both ./x/../m.json, expected two files"},
		{"-o " + folder + "/m.json --report " + data, "the data and --report are both " + data + ", expected two files"},
		{"-o " + linked, "the data and --output are both " + linked + ", expected two files"},
		{"-o s.json --schema s.json", "--schema and --output are both s.json, expected two files"},
	} {
		got := sepalCommand(t, "", append([]string{"train", data, "--label", "y"}, strings.Fields(test.flags)...)...)
		if got.code != exitUsage || !strings.HasPrefix(got.stderr, "sepal: "+test.want) {
			t.Errorf("%s: got %v, expected %s", test.flags, got, test.want)
		}
	}
	if content, err := os.ReadFile(data); err != nil || string(content) != text {
		t.Errorf("the data are %q, %v", content, err)
	}
	got := sepalCommand(t, "", "train", "-", "--label", "y", "-o", filepath.Join(folder, "m.json"), "--report", folder)
	if got.code != exitFailure || !strings.HasPrefix(got.stderr, "sepal: --report: "+folder+" is a folder, expected a file") {
		t.Errorf("got %v", got)
	}
}

func TestTrainPenalties(t *testing.T) {
	t.Parallel()
	for flags, want := range map[string]trainer.Options{
		"":                                       {},
		"--penalty l1":                           {L1Ratio: 1},
		"--penalty elasticnet --l1-ratio 0.25":   {L1Ratio: 0.25},
		"--penalty elasticnet --l1-ratio 0":      {},
		"--penalty none":                         {Unpenalised: true},
		"--float32 --workers 3 --standardise":    {Float32: true, Workers: 3, Standardise: true},
		"--class-weight balanced":                {Balanced: true},
		"--class-weight a=2 --class-weight b=.5": {ClassWeights: map[string]float64{"a": 2, "b": 0.5}},
		`--class-weight a=b=2,c\,d=3`:            {ClassWeights: map[string]float64{"a=b": 2, "c,d": 3}},
		"--tune":                                 {Grid: trainer.DefaultGrid()},
		"--tune --c-grid 1,0.5":                  {Grid: []float64{1, 0.5}},
	} {
		var c cli
		parser, err := newParser(&c, os.Stdout, os.Stderr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parse(parser, append([]string{"train", "x.csv", "--label", "y"}, strings.Fields(flags)...)); err != nil {
			t.Errorf("%s: %v", flags, err)
			continue
		}
		got, err := c.Train.options()
		if err != nil {
			t.Fatal(err)
		}
		base := trainer.DefaultOptions()
		want.Name, want.Version, want.C, want.HoldOut, want.Folds, want.Seed = "x", base.Version, base.C, base.HoldOut, base.Folds, base.Seed
		if !cmp.Equal(want, got) {
			t.Errorf("%s: options are %+v, expected %+v", flags, got, want)
		}
	}
}

func TestTrainNamesTheModelByItsData(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		"/data/My Flowers.csv":                          "my-flowers",
		"-":                                             "model",
		"sqlite:/data/shop.db":                          "shop",
		"postgres://ada:secret@db:5432/shop":            "shop",
		"postgres://ada@db/shop?password=secret":        "shop",
		"postgres://ada:se/cret@db/":                    "model",
		"postgresql://db":                               "model",
		"postgres://ada:%zz@db/shop?password=a/secret2": "shop",
	} {
		if got := nameOfData(data); got != want {
			t.Errorf("%s: the name is %q, expected %q", data, got, want)
		}
	}
}

func TestTrainReadsTheSameFromAllFormats(t *testing.T) {
	t.Parallel()
	const formats = "$TESTDATA/datasets/formats/"
	for _, flags := range []string{
		irisCSV + " --label species", formats + "iris.parquet --label species",
		formats + "iris_x.npy --labels $TESTDATA/datasets/formats/iris_y.npy", formats + "iris.libsvm",
	} {
		output := filepath.Join(t.TempDir(), "m.json")
		got := sepalCommand(t, "", strings.Fields("train "+flags+" --standardise -o "+output)...)
		const want = "cross-validation, 5 folds: accuracy 0.9533 ± 0.0452, log-loss 0.1591\n"
		if got.code != exitOK || !strings.Contains(got.stdout, want) {
			t.Errorf("%s: got %v, expected %s", flags, got, want)
		}
		if rows := decodeFile(t, output).GetTraining().GetHoldOut().GetRows(); rows != 30 {
			t.Errorf("%s: %d rows were held out", flags, rows)
		}
	}
}

func TestTrainReadsOtherSources(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	sparse := filepath.Join(folder, "data.libsvm")
	var text strings.Builder
	for i := range 60 {
		text.WriteString([]string{"1", "2"}[i%2] + " " + []string{"1:1 4:2.5", "2:1", "1:2 3:1"}[(i/2+i%2)%3] + "\n")
	}
	if err := os.WriteFile(sparse, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	got := sepalCommand(t, "", "train", sparse, "--folds", "2", "-o", filepath.Join(folder, "m.json"))
	if got.code != exitOK || !strings.Contains(got.stdout, "60 rows of 4 features, ") || !strings.Contains(got.stdout, "of the values not 0\n") {
		t.Errorf("got %v", got)
	}
	if got := sepalCommand(t, text.String(), "train", "-", "--format", "libsvm", "--folds", "2", "-o", filepath.Join(folder, "n.json")); got.code != exitOK {
		t.Errorf("from standard input: got %v", got)
	}
	if got := sepalCommand(t, "", "train", testenv.Testdata("datasets", "iris.csv"), "--query", "SELECT 1", "--label", "x", "-o", filepath.Join(folder, "o.json")); got.code != exitFailure || !strings.Contains(got.stderr, "takes no query") {
		t.Errorf("a query of a file: got %v", got)
	}
}

func TestTrainWithL1LeavesFeaturesOut(t *testing.T) {
	t.Parallel()
	output := filepath.Join(t.TempDir(), "m.json")
	got := sepalCommand(t, "", strings.Fields("train "+irisCSV+" --label species --penalty l1 --c 0.1 --standardise --folds 0 -o "+output)...)
	if got.code != exitOK {
		t.Fatalf("got %v", got)
	}
	m, used := decodeFile(t, output), 0
	for _, w := range m.GetWeights() {
		if w != 0 {
			used++
		}
	}
	want := fmt.Sprintf("C 0.1, L1, on the standardised scale, seed 1\n        converged after %d iterations", m.GetTraining().GetIterations())
	if used == 0 || used > 8 || m.GetTraining().GetL1Ratio() != 1 || !strings.Contains(got.stdout, want) ||
		!strings.Contains(got.stdout, fmt.Sprintf("\n        %d of 12 weights are not 0\n", used)) {
		t.Errorf("%d weights are not 0; the output lacks %q:\n%s", used, want, got.stdout)
	}
}
