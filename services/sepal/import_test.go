package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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
		{"one-vs-rest", []string{elsewhere("sklearn", "liblinear_sk0.24.2.pkl")}, exitFailure, "one-vs-rest"},
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
