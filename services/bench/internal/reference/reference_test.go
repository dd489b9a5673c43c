package reference

import (
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// TestContract looks whether the files come in an order in which each can be added, as the
// service adds them, and whether the messages are among them that it makes.
func TestContract(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, file := range contract().GetFile() {
		for _, needed := range file.GetDependency() {
			if !seen[needed] {
				t.Errorf("%s stands before %s, which it needs", file.GetName(), needed)
			}
		}
		seen[file.GetName()] = true
	}
	files, err := protodesc.NewFiles(contract())
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"Predict", "BatchPredict", "PredictStream"} {
		if !strings.Contains(string(service), `"`+method+`"`) {
			t.Errorf("the service has no %s", method)
		}
		for _, suffix := range []string{"Request", "Response"} {
			if _, err := files.FindDescriptorByName(protoreflect.FullName("sepal.prediction.v1." + method + suffix)); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestFindTellsThatThereIsNone(t *testing.T) {
	t.Parallel()
	_, err := Find(t.Context(), filepath.Join(t.TempDir(), "python3"), t.TempDir())
	if err == nil || !strings.HasSuffix(err.Error(), "python3 with grpcio and scikit-learn") {
		t.Errorf("got the error %v", err)
	}
}
