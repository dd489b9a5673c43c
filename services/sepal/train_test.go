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
	const want = "sepal: hold-out\nsepal: cross-validation, fold 1 of 2\nsepal: cross-validation, fold 2 of 2\nsepal: final fit\n"
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
	output := filepath.Join(t.TempDir(), "m.json")
	for name, value := range map[string]string{
		"DATA": testenv.Testdata("datasets", "iris.csv"), "LABEL": "species", "OUTPUT": output, "NAME": "env", "VERSION": "v3.0.0",
		"DROP": "sepal_length_cm,sepal_width_cm", "UNIT": "petal_length_cm=cm,petal_width_cm=cm", "FOLDS": "0", "HOLD_OUT": "0.1",
		"SEED": "9", "C": "2", "MAX_ITERATIONS": "500", "TOLERANCE": "1e-7", "IMPUTE": "median", "CATEGORICAL": "", "JSON": "true",
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
		report.GetHoldOut().GetRows() != 15 || report.CrossValidation != nil ||
		len(features) != 2 || features[0].GetUnit() != "cm" || features[1].GetUnit() != "cm" || features[0].GetNumeric().Impute == nil {
		t.Errorf("the model is %v", m)
	}
}

func TestTrainDefaultsAreTheTrainers(t *testing.T) {
	t.Parallel()
	var c cli
	parser, err := newParser(&c, io.Discard, io.Discard, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{"train", "My Flowers (2).csv", "--label", "species"}); err != nil {
		t.Fatal(err)
	}
	want := trainer.DefaultOptions()
	want.Name = "my-flowers-2"
	if diff := cmp.Diff(want, c.Train.options(), cmpopts.IgnoreFields(trainer.Options{}, "Progress")); diff != "" {
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
		{"no label", "", "", exitUsage, "missing flags: --label=COLUMN"},
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
			if got.code != test.code || !strings.HasPrefix(got.stderr, "sepal: "+test.want) {
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
