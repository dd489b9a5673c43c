package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/testenv"
	"github.com/sepal-ml/sepal/services/modelfile"
)

func elsewhere(elem ...string) string {
	return testenv.Testdata(append([]string{"models-elsewhere"}, elem...)...)
}

func TestImportTellsWhatItFound(t *testing.T) {
	t.Parallel()
	output := filepath.Join(t.TempDir(), "iris.binpb")
	got := sepalCommand(t, "", "import", elsewhere("sklearn", "iris_pipe_sk1.2.1_p4.pkl"), "-o", output, "--name", "iris", "--model-version", "v2.0.0",
		"--features", "sepal_length_cm,sepal_width_cm,petal_length_cm,petal_width_cm", "--classes", "setosa,versicolor,virginica")
	if got.code != exitOK {
		t.Fatalf("got %v", got)
	}
	for _, want := range []string{
		"pickle protocol 4\n",
		"written   scikit-learn 1.2.1\n",
		"holds     Pipeline(StandardScaler, LogisticRegression)\n",
		"folded    ",
		"features  4: sepal_length_cm, sepal_width_cm, petal_length_cm, petal_width_cm\n",
		"classes   3: setosa, versicolor, virginica\n",
		"model     iris v2.0.0 in " + output,
		"digest    sha256:",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("the output lacks %q:\n%s", want, got.stdout)
		}
	}
	data, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	file, err := modelfile.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if file.Origin != nil || file.Message.GetName() != "iris" || file.Message.GetVersion() != "v2.0.0" || len(file.Message.GetGoldenRows()) != 3 {
		t.Errorf("wrote %v", file.Message)
	}
	answer := sepalCommand(t, "", "predict", "-m", output, "5.1", "3.5", "1.4", "0.2")
	if !strings.HasPrefix(answer.stdout, "setosa, ") {
		t.Errorf("the model written says %v", answer)
	}
}

// TestImportOfOneAgainstTheRest shows that every verb knows a model that is no softmax.
func TestImportOfOneAgainstTheRest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ file, holds string }{
		{elsewhere("sklearn", "ovr_pipe_sk1.2.1.pkl"), "Pipeline(StandardScaler, LogisticRegression), one against the rest"},
		{elsewhere("onnx", "skl_ovr_standard.onnx"), "Scaler → LinearClassifier → Normalizer → ZipMap, one against the rest"},
	} {
		t.Run(filepath.Base(test.file), func(t *testing.T) {
			t.Parallel()
			output := filepath.Join(t.TempDir(), "iris.json")
			got := sepalCommand(t, "", "import", test.file, "-o", output, "--classes", "setosa,versicolor,virginica")
			if got.code != exitOK || !strings.Contains(got.stdout, "holds     "+test.holds+"\n") {
				t.Errorf("got %v, expected a model that holds %s", got, test.holds)
			}
			if got := sepalCommand(t, "", "inspect", output); !strings.Contains(got.stdout, "\nlink     one against the rest\n") {
				t.Errorf("inspect shows %v", got)
			}
			row := []string{"5.9", "3.0", "5.1", "1.8"}
			answer := sepalCommand(t, "", append([]string{"predict", "-m", output, "--explain", "-o", "json"}, row...)...)
			var response predictionv1.PredictResponse
			if err := protojson.Unmarshal([]byte(answer.stdout), &response); err != nil {
				t.Fatalf("predict says %v: %v", answer, err)
			}
			requireOddsAgainstTheRest(t, &response)
		})
	}
}

// requireOddsAgainstTheRest checks that the margin is the logit of the class.
func requireOddsAgainstTheRest(t *testing.T, response *predictionv1.PredictResponse) {
	t.Helper()
	e := response.GetExplanation()
	if response.GetPrediction() != "virginica" || e.GetClass() != "virginica" || e.GetAgainst() != "" {
		t.Fatalf("got %v", response)
	}
	sum := e.GetBaseline()
	for _, c := range e.GetContributions() {
		sum += c.GetContribution()
	}
	if math.Abs(sum-e.GetMargin()) > 1e-9 {
		t.Errorf("the contributions sum to %v, the margin is %v", sum, e.GetMargin())
	}
	// scikit-learn's decision_function and predict_proba; the two fits differ by less.
	const logit, probability, tolerance = 0.651127, 0.687756, 1e-4
	if math.Abs(e.GetMargin()-logit) > tolerance || math.Abs(response.GetConfidence()-probability) > tolerance {
		t.Errorf("a margin of %v and a confidence of %v, expected %v and %v", e.GetMargin(), response.GetConfidence(), logit, probability)
	}
}

func TestImportRefuses(t *testing.T) {
	t.Parallel()
	hostile := filepath.Join(t.TempDir(), "hostile.pkl")
	// A pickle that would call os.system("true").
	if err := os.WriteFile(hostile, []byte("\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R."), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"a pickle that runs a command", []string{hostile}, exitFailure, "os.system"},
		{"a classifier of classifiers", []string{elsewhere("sklearn", "onevsrest_sk1.9.1.pkl")}, exitFailure, "OneVsRestClassifier"},
		{"a model of Sepal's own", []string{testenv.Testdata("models", "iris", "v1.0.0", "model.binpb")}, exitFailure, "is one of Sepal's own model files already; see `sepal inspect`"},
		{"a file of something else", []string{testenv.Testdata("datasets", "iris.csv")}, exitFailure, "it looks like a CSV file"},
		{"no file", []string{"none.pkl"}, exitFailure, "none.pkl: cannot be read: no such file or directory"},
		{"a folder", []string{t.TempDir()}, exitFailure, "is no regular file"},
		{"too few classes", []string{elsewhere("onnx", "iris_linear_softmax.onnx"), "--classes", "a,b"}, exitUsage, "--classes names 2 classes, expected 3"},
		{"too many features", []string{elsewhere("onnx", "iris_linear_softmax.onnx"), "--features", "a,b,c,d,e"}, exitUsage, "--features names 5 features, expected 4"},
		{"features of one name", []string{elsewhere("onnx", "iris_linear_softmax.onnx"), "--features", "a,b,c,a"}, exitUsage, "--features: features[3].name"},
		{"a name", []string{hostile, "--name", "Iris"}, exitUsage, `--name "Iris" is not`},
		{"an output", []string{hostile, "-o", "model.txt"}, exitUsage, "--output: model.txt"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			output := filepath.Join(t.TempDir(), "m.binpb")
			args := append([]string{"import", "-o", output}, test.args...)
			got := sepalCommand(t, "", args...)
			if got.code != test.code || !strings.Contains(got.stderr, test.want) || strings.Count(got.stderr, "\n") != 1 {
				t.Errorf("got %v, expected %d and %q", got, test.code, test.want)
			}
			if _, err := os.Stat(output); err == nil {
				t.Error("something was written")
			}
		})
	}
}
