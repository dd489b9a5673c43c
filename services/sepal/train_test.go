package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/testenv"
	"github.com/sepal-ml/sepal/services/modelfile/native"
	"github.com/sepal-ml/sepal/services/trainer"
)

const irisCSV = testdataMark + "/datasets/iris.csv"

// gappyCSV has missing values, a category, a code, a slip in a number and a class of 3 rows.
const gappyCSV = `id,x,colour,code,slip,y
a,1,red,10,1,a
b,2,red,20,2,a
c,,blue,10,3,a
d,2.5,,10,4,b
e,3,blue,30,"5,5",b
f,4,blue,10,6,b
g,8,,20,7,b
`

func decodeFile(t *testing.T, path string) *modelv1.Model {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := native.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// changing is what no two kinds of processor need to have in common: the size and digest of the
// file, and a gradient that is all rounding.
var changing = regexp.MustCompile(`(gradient )\S+|(iris\.binpb, )\d+|(bytes\ndigest  sha256:)\w+`)

func TestTrainIrisGolden(t *testing.T) {
	t.Parallel()
	output := filepath.Join(t.TempDir(), "iris.binpb")
	got := sepalCommand(t, "", "train", irisCSV, "--label", "species", "--unit", "petal_length_cm=cm,petal_width_cm=cm", "-o", output)
	if got.code != exitOK {
		t.Fatalf("got %v", got)
	}
	data, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%d bytes\ndigest  sha256:%x\n", len(data), sha256.Sum256(data)); !strings.HasSuffix(got.stdout, want) {
		t.Errorf("the output does not end in %q:\n%s", want, got.stdout)
	}
	stdout := strings.NewReplacer(output, "iris.binpb", testenv.Testdata(), testdataMark).Replace(got.stdout)
	stdout = changing.ReplaceAllString(stdout, "$1$2$3…")
	golden := testenv.Testdata("golden", trainGolden)
	if os.Getenv("SEPAL_UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, []byte(stdout), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(pieces(string(want)), pieces(stdout), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("-want +got:\n%s\ngot:\n%s", diff, stdout)
	}
}

func TestTrainTellsItsProgress(t *testing.T) {
	t.Parallel()
	got := sepalCommand(t, "", "train", irisCSV, "--label", "species", "--folds", "2", "-o", filepath.Join(t.TempDir(), "m.json"))
	const want = "sepal: cross-validation, fold 1 of 2\nsepal: cross-validation, fold 2 of 2\nsepal: hold-out\nsepal: final fit\n"
	if got.stderr != want {
		t.Errorf("stderr is %q, expected %q", got.stderr, want)
	}
}

func TestTrainFromStandardInput(t *testing.T) {
	t.Parallel()
	output := filepath.Join(t.TempDir(), "m.json")
	got := sepalCommand(t, gappyCSV, "train", "-", "--label", "y", "--drop", "id", "--categorical", "code",
		"--impute", "median", "--c", "0.5", "--seed", "7", "-o", output)
	if got.code != exitOK {
		t.Fatalf("got %v", got)
	}
	for _, want := range []string{
		"data    standard input, 7 rows\n",
		"x        number    1 to 8                    1, taken as 2.75\n",
		"colour   category  2: blue, red              2, taken as blue\n",
		"code     category  3: 10, 20, 30             0, taken as 10\n",
		"cross-validation, 3 folds (the smallest class has no rows for 5): accuracy",
		"C 0.5, seed 7\n",
		"model   model v1.0.0 in " + output,
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("the output lacks %q:\n%s", want, got.stdout)
		}
	}
	const warning = `sepal: warning: standard input:6: column "slip": "5,5" is not a number, so the column is categorical with 7 categories` + "\n"
	if !strings.HasPrefix(got.stderr, warning) {
		t.Errorf("stderr is %q, expected it to begin with %q", got.stderr, warning)
	}
	if m := decodeFile(t, output); m.GetName() != "model" || m.GetTraining().GetSeed() != 7 || len(m.GetSignature().GetFeatures()) != 4 {
		t.Errorf("the model is %v", m)
	}
}

func TestTrainWritesBothFormats(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var models []*modelv1.Model
	for _, file := range []string{"a.binpb", "b.json", "c.binpb"} {
		args := strings.Fields("train " + irisCSV + " --label species --name flowers --model-version v2.1.0-rc.1 --no-intercept --folds 0 --hold-out 0 -o")
		if got := sepalCommand(t, "", append(args, filepath.Join(folder, file))...); got.code != exitOK {
			t.Fatalf("got %v", got)
		}
		models = append(models, decodeFile(t, filepath.Join(folder, file)))
	}
	if m := models[0]; m.GetName() != "flowers" || m.GetVersion() != "v2.1.0-rc.1" || !slices.Equal(m.GetIntercepts(), []float64{0, 0, 0}) || m.GetTraining().HoldOut != nil {
		t.Errorf("the model is %v", m)
	}
	for _, m := range models[1:] {
		if !proto.Equal(models[0], m) {
			t.Error("the same data and flags gave another model")
		}
	}
}

func TestTrainPrintsItsReportAsJSON(t *testing.T) {
	t.Parallel()
	output := filepath.Join(t.TempDir(), "m.binpb")
	got := sepalCommand(t, "", "train", irisCSV, "--label", "species", "--json", "-o", output)
	report := new(modelv1.TrainingReport)
	if err := protojson.Unmarshal([]byte(got.stdout), report); err != nil {
		t.Fatalf("%v in %v", err, got)
	}
	if !proto.Equal(report, decodeFile(t, output).GetTraining()) {
		t.Errorf("the report is not that of the file: %s", got.stdout)
	}
}

func TestTrainTakesItsFlagsFromTheEnvironment(t *testing.T) {
	folder := t.TempDir()
	output, page, schema := filepath.Join(folder, "m.json"), filepath.Join(folder, "m.html"), filepath.Join(folder, "schema.json")
	for name, value := range map[string]string{
		"DATA": testenv.Testdata("datasets", "iris.csv"), "LABEL": "species", "OUTPUT": output, "NAME": "env", "VERSION": "v3.0.0",
		"DROP": "sepal_length_cm,sepal_width_cm", "UNIT": "petal_length_cm=cm,petal_width_cm=cm", "FOLDS": "0", "HOLD_OUT": "0.1",
		"SEED": "9", "C": "2", "MAX_ITERATIONS": "500", "TOLERANCE": "1e-7", "IMPUTE": "median", "CATEGORICAL": "", "JSON": "true",
		"FORMAT": "csv", "PENALTY": "elasticnet", "L1_RATIO": "0", "STANDARDISE": "true", "CLASS_WEIGHT": "setosa=2,virginica=0.5",
		"WORKERS": "1", "FLOAT32": "true", "REPORT": page, "WRITE_SCHEMA": schema, "RARE_BELOW": "2", "OTHER": "true",
	} {
		t.Setenv("SEPAL_TRAIN_"+name, value)
	}
	t.Setenv("MODEL_VERSION", "v9.9.9") // is for serving
	if got := sepalCommand(t, "", "train"); got.code != exitOK {
		t.Fatalf("got %v", got)
	}
	m := decodeFile(t, output)
	report, features := m.GetTraining(), m.GetSignature().GetFeatures()
	if m.GetName() != "env" || m.GetVersion() != "v3.0.0" || report.GetSeed() != 9 || report.GetRegularisationC() != 2 ||
		report.GetHoldOut().GetRows() != 15 || report.CrossValidation != nil || !report.GetStandardised() ||
		!slices.Equal(report.GetClassWeights(), []float64{2, 1, 0.5}) ||
		len(features) != 2 || features[0].GetUnit() != "cm" || features[1].GetUnit() != "cm" || features[0].GetNumeric().Impute == nil {
		t.Errorf("the model is %v", m)
	}
	for _, path := range []string{page, schema} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

func TestTrainDefaultsAreTheTrainers(t *testing.T) {
	t.Parallel()
	var c cli
	parser, err := newParser(&c, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parse(parser, []string{"train", "My Flowers (2).csv", "--label", "species"}); err != nil {
		t.Fatal(err)
	}
	want := trainer.DefaultOptions()
	want.Name = "my-flowers-2"
	got, err := c.Train.options()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(trainer.Options{}, "Progress")); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
}

func TestTrainRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, args, stdin string
		code              int
		want              string
	}{
		{"no label", "", "x,y\n1,a\n", exitFailure, `standard input:1: no label column was named, the header has "x", "y"; --label names it`},
		{"no regularisation", "--label y --c 0", "", exitUsage, "--c is 0, expected a number from 1e-150 to 1e150; see `sepal help train`"},
		{"hardly any regularisation", "--label y --c 1e300", "", exitUsage, "--c is 1e+300, expected a number from 1e-150 to 1e150; see `sepal help train`"},
		{"a strength that is no number", "--label y --c NaN", "", exitUsage, "--c is NaN, expected a number from"},
		{"one fold", "--label y --folds 1", "", exitUsage, "--folds is 1, expected 0 for no cross-validation, or at least 2"},
		{"all held out", "--label y --hold-out 1", "", exitUsage, "--hold-out is 1, expected a share"},
		{"a tolerance below 0", "--label y --tolerance=-1", "", exitUsage, "--tolerance is -1, expected"},
		{"iterations below 0", "--label y --max-iterations=-1", "", exitUsage, "--max-iterations is -1, expected"},
		{"a name", "--label y --name Iris", "", exitUsage, `--name "Iris" is not`},
		{"a version", "--label y --model-version 1.0", "", exitUsage, `--model-version "1.0" is not`},
		{"an extension", "--label y --output model.pkl", "", exitUsage, "--output: model.pkl: the extension"},
		{"two ways to C", "--label y --tune --c 2", "", exitUsage, "--c and --tune, expected one of them"},
		{"a strength of no penalty", "--label y --penalty none --c 2", "", exitUsage, "--c says how strong the penalty is, and with --penalty none there is none"},
		{"a grid without tuning", "--label y --c-grid 1,2", "", exitUsage, "--c-grid is for --tune, which is not given"},
		{"a grid with a 0", "--label y --tune --c-grid 1,0", "", exitUsage, "--c-grid has 0, expected numbers from"},
		{"tuning of nothing", "--label y --tune --penalty none", "", exitUsage, "--tune chooses C, and with --penalty none there is no penalty to choose"},
		{"tuning without folds", "--label y --tune --folds 0", "", exitUsage, "--folds is 0, expected at least 2: C is chosen by cross-validation"},
		{"calibration without folds", "--label y --calibrate --folds 0", "", exitUsage, "--folds is 0, expected at least 2: the temperature"},
		{"an elastic net without a share", "--label y --penalty elasticnet", "", exitUsage, "--penalty elasticnet needs --l1-ratio, from 0 to 1"},
		{"a share of no elastic net", "--label y --l1-ratio 0.5", "", exitUsage, "--l1-ratio is for --penalty elasticnet, not l2"},
		{"a label column and a file of labels", "--label y --labels y.npy", "", exitUsage, "--label names a column of the data, and --labels a file with the classes, expected one of them"},
		{"a share above 1", "--label y --penalty elasticnet --l1-ratio 1.5", "", exitUsage, "--l1-ratio is 1.5, expected a number from 0 to 1"},
		{"a scale of no penalty", "--label y --penalty none --standardise", "", exitUsage, "--standardise says what is penalised"},
		{"a penalty", "--label y --penalty l3", "", exitUsage, "--penalty must be one of"},
		{"a class weight", "--label y --class-weight a", "", exitUsage, `--class-weight "a" is not CLASS=WEIGHT, and balanced stands alone`},
		{"balanced and more", "--label y --class-weight balanced,a=1", "", exitUsage, `--class-weight "balanced" is not CLASS=WEIGHT`},
		{"a class weight of words", "--label y --class-weight a=much", "", exitUsage, `--class-weight gives "a" the weight "much", expected a number`},
		{"a class twice", "--label y --class-weight a=1,a=2", "", exitUsage, `--class-weight has "a" twice`},
		{"a class weight below 0", "--label y --class-weight a=-1", "", exitUsage, `--class-weight has -1 for class "a"`},
		{"a class weight of 0", "--label y --class-weight a=0", "", exitUsage, `--class-weight has 0 for class "a", expected a number above 0`},
		{"a missing value", "--label y", "x,y\n1,a\n,b\n", exitFailure, `standard input:3: column "x": the value is missing (""); impute missing values, or remove the row (--impute median)`},
		{"a class that is not there", "--label y --folds 0 --class-weight c=2", "x,y\n1,a\n2,a\n3,b\n", exitFailure, `--class-weight has class "c", which no row has; there are a, b`},
		{"workers below 0", "--label y --workers=-1", "", exitUsage, "--workers is -1, expected"},
		{"rare below 0", "--label y --rare-below=-1", "", exitUsage, "--rare-below is -1, expected at least 0"},
		{"a format", "--label y --format xls", "", exitUsage, "--format must be one of"},
		{"a schema that is not there", "--label y --schema $TESTDATA/none.json", "", exitFailure, "--schema: open "},
		{"a schema that is no JSON", "--label y --schema $TESTDATA/datasets/iris.csv", "", exitFailure, "--schema: $TESTDATA/datasets/iris.csv is not the JSON of a signature: syntax error"},
		{"a way to impute", "--label y --impute mean", "", exitUsage, "--impute must be one of"},
		{"no data", "--label y", "", exitFailure, "standard input:1: the file is empty"},
		{"a label that is not there", "--label species", "x,y\n1,a\n", exitFailure, `standard input:1: column "species": is not in the header, which has "x", "y"`},
		{"a class of one row", "--label y", "x,y\n1,a\n2,a\n3,b\n", exitFailure, `--folds is 5, but class "b" has a single row`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			output := filepath.Join(t.TempDir(), "model.binpb")
			args := append([]string{"train", "-", "-o", output}, strings.Fields(test.args)...)
			got := sepalCommand(t, test.stdin, args...)
			want := strings.ReplaceAll(test.want, testdataMark, testenv.Testdata())
			if got.code != test.code || !strings.HasPrefix(got.stderr, "sepal: "+want) {
				t.Errorf("got %v, expected %q and exit %d", got, test.want, test.code)
			}
			expectNoFiles(t, filepath.Dir(output))
		})
	}
}

func TestTrainChecksWhereItWritesFirst(t *testing.T) {
	t.Parallel()
	output := filepath.Join(t.TempDir(), "no", "model.binpb")
	got := sepalCommand(t, "this is never read", "train", "-", "--label", "y", "-o", output)
	if got.code != exitFailure || !strings.Contains(got.stderr, "cannot write to the folder of "+output) {
		t.Errorf("got %v", got)
	}
}

func TestTrainThatFailsLeavesTheOldFile(t *testing.T) {
	t.Parallel()
	output := filepath.Join(t.TempDir(), "model.binpb")
	if err := os.WriteFile(output, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := sepalCommand(t, "", "train", irisCSV, "--label", "species", "--max-iterations", "2", "-o", output)
	const want = "allow more iterations or a larger tolerance (--max-iterations, --tolerance); no model was written\n"
	if got.code != exitFailure || !strings.HasSuffix(got.stderr, want) {
		t.Errorf("got %v, expected %q", got, want)
	}
	if data, err := os.ReadFile(output); err != nil || string(data) != "old" {
		t.Errorf("the file holds %q, %v", data, err)
	}
	if got := sepalCommand(t, "", "train", irisCSV, "--label", "species", "-o", output); got.code != exitOK {
		t.Fatalf("got %v", got)
	}
	decodeFile(t, output)
}

// TestTrainIsInterrupted ends the context at the first word on stderr: within the first fit.
func TestTrainIsInterrupted(t *testing.T) {
	t.Parallel()
	output := filepath.Join(t.TempDir(), "model.binpb")
	ctx, cancel := context.WithCancel(t.Context())
	stderr := writerFunc(func(p []byte) (int, error) {
		cancel()
		return len(p), nil
	})
	args := []string{"train", testenv.Testdata("datasets", "iris.csv"), "--label", "species", "-o", output}
	if code := run(ctx, args, strings.NewReader(""), io.Discard, stderr); code != exitSignal+2 {
		t.Errorf("exit code is %d, expected 130", code)
	}
	expectNoFiles(t, filepath.Dir(output))
}

func TestTrainIsInterruptedWhileItWaitsForData(t *testing.T) {
	t.Parallel()
	silent, feed := io.Pipe()
	defer feed.Close()
	output := filepath.Join(t.TempDir(), "model.binpb")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var stderr bytes.Buffer
	if code := run(ctx, []string{"train", "-", "--label", "y", "-o", output}, silent, io.Discard, &stderr); code == exitOK {
		t.Error("exit code is 0")
	}
	expectNoFiles(t, filepath.Dir(output))
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func expectNoFiles(t *testing.T, folder string) {
	t.Helper()
	if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}
