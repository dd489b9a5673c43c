package modelfile_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/sepal-ml/sepal/services/modelfile"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

func read(t *testing.T, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{"..", "..", "testdata"}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestEachFormatIsTold(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ file, format, writer string }{
		{"models-elsewhere/sklearn/breast_cancer_pipe_sk1.2.1_p4.pkl", "pickle protocol 4", "scikit-learn 1.2.1"},
		{"models-elsewhere/sklearn/breast_cancer_pipe_sk1.9.0.joblib", "joblib", "scikit-learn 1.9.0"},
		{"models-elsewhere/onnx/iris_linear_softmax.onnx", "", ""},
		{"models-elsewhere/sklearn/ovr_liblinear_sk1.2.1.joblib", "joblib", "scikit-learn 1.2.1"},
		{"models-elsewhere/onnx/skl_ovr_double.onnx", "", "skl2onnx 1.20.0"},
		{"models/iris/v1.0.0/model.binpb", "native", ""},
		{"models/iris/v1.1.0/model.json", "native", ""},
	} {
		t.Run(filepath.Base(test.file), func(t *testing.T) {
			t.Parallel()
			f, err := modelfile.Decode(read(t, test.file))
			if err != nil {
				t.Fatal(err)
			}
			if native := f.Origin == nil; native != (test.format == "native") {
				t.Fatalf("it is native: %t", native)
			}
			if f.Origin == nil {
				return
			}
			if test.format != "" && (f.Origin.Format != test.format || f.Origin.Library != test.writer) {
				t.Errorf("got %q by %q", f.Origin.Format, f.Origin.Library)
			}
			requireNative(t, f)
		})
	}
}

// requireNative shows that a foreign file can be written as one of Sepal's own.
func requireNative(t *testing.T, f *modelfile.File) {
	t.Helper()
	f.Identify("elsewhere", "v1.2.3")
	data, err := native.Encode(f.Message, native.Binary)
	if err != nil {
		t.Fatal(err)
	}
	again, err := modelfile.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if again.Origin != nil || !proto.Equal(again.Message, f.Message) || len(f.Message.GetGoldenRows()) == 0 {
		t.Errorf("what was written is not what was read: %v", again.Message)
	}
}

// TestNativeFilesKeepTheirNames shows that a file of Sepal's own is not renamed.
func TestNativeFilesKeepTheirNames(t *testing.T) {
	t.Parallel()
	f, err := modelfile.Decode(read(t, "models/iris/v1.0.0/model.binpb"))
	if err != nil {
		t.Fatal(err)
	}
	f.Identify("other", "v9.0.0")
	if f.Message.GetName() != "iris" || f.Message.GetVersion() != "v1.0.0" {
		t.Errorf("it is now %s %s", f.Message.GetName(), f.Message.GetVersion())
	}
}

// TestWrittenFilesPredictAsScikitLearn goes the whole way of a file: read, written as native,
// read again, against what scikit-learn said of the model that it dumped.
func TestWrittenFilesPredictAsScikitLearn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ manifest, model, file string }{
		{"manifest_sk1.2.1.json", "breast_cancer_pipe_sk1.2.1", "breast_cancer_pipe_sk1.2.1_p4.pkl"},
		{"manifest_ovr_sk1.7.2.json", "ovr_liblinear_pipe_sk1.7.2.joblib", "ovr_liblinear_pipe_sk1.7.2.joblib"},
	} {
		t.Run(test.file, func(t *testing.T) {
			t.Parallel()
			requireWrittenPredicts(t, test.manifest, test.model, test.file)
		})
	}
}

func requireWrittenPredicts(t *testing.T, path, model, name string) {
	t.Helper()
	var manifest map[string]struct {
		X     [][]float64
		Proba [][]float64
	}
	if err := json.Unmarshal(read(t, "models-elsewhere/sklearn", path), &manifest); err != nil {
		t.Fatal(err)
	}
	f, err := modelfile.Decode(read(t, "models-elsewhere/sklearn", name))
	if err != nil {
		t.Fatal(err)
	}
	f.Identify("elsewhere", "v1.0.0")
	data, err := native.Encode(f.Message, native.JSON)
	if err != nil {
		t.Fatal(err)
	}
	written, err := modelfile.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest[model].X) == 0 {
		t.Fatal("the manifest has no rows of the model")
	}
	for i, row := range manifest[model].X {
		got := make([]float64, written.Model.NumClasses())
		if _, err := written.Model.Predict(got, row); err != nil {
			t.Fatal(err)
		}
		for k, want := range manifest[model].Proba[i] {
			if math.Abs(got[k]-want) > 1e-12 {
				t.Errorf("row %d, class %s: %v, expected %v", i, written.Model.Class(k), got[k], want)
			}
		}
	}
}
