package contracttest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const predictionService = "sepal/prediction/v1/prediction_service.proto"

// edit changes one place of one file of the contract: old, which stands there once, becomes new.
type edit struct {
	name     string
	file     string
	old, new string
	want     []string
}

func TestGateOnEditsOfTheContract(t *testing.T) {
	t.Parallel()
	edits := []edit{{
		name: "field removed",
		file: predictionService,
		old:  "  double confidence = 2;\n",
		new:  "",
		want: []string{"FIELD_NO_DELETE"},
	}, {
		name: "field renumbered",
		file: predictionService,
		old:  "double confidence = 2;",
		new:  "double confidence = 2000;",
		want: []string{"FIELD_NO_DELETE"},
	}, {
		name: "field retyped",
		file: predictionService,
		old:  "double confidence = 2;",
		new:  "float confidence = 2;",
		want: []string{"FIELD_SAME_TYPE"},
	}, {
		name: "field renamed",
		file: predictionService,
		old:  "double confidence = 2;",
		new:  "double certainty = 2;",
		want: []string{"FIELD_SAME_NAME", "FIELD_SAME_JSON_NAME"},
	}, {
		name: "RPC removed",
		file: predictionService,
		old:  "  rpc BatchPredict(BatchPredictRequest) returns (BatchPredictResponse) {\n    option (sepal.access.v1.scope) = SCOPE_PREDICT;\n  }\n",
		new:  "",
		want: []string{"RPC_NO_DELETE"},
	}, {
		name: "RPC made streaming",
		file: predictionService,
		old:  "returns (BatchPredictResponse) {",
		new:  "returns (stream BatchPredictResponse) {",
		want: []string{"RPC_SAME_SERVER_STREAMING"},
	}, {
		name: "field added",
		file: predictionService,
		old:  "double confidence = 2;",
		new:  "double confidence = 2;\n  double doubt = 2000;",
		want: []string{allowed},
	}}
	for _, e := range edits {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			current := workspace(t, filepath.Join(root, "proto"))
			e.apply(t, current)
			requireRules(t, breaking(t, current, frozen(t)), e.want)
		})
	}
}

func TestGateOnAFileRemovedFromTheContract(t *testing.T) {
	t.Parallel()
	current := workspace(t, filepath.Join(root, "proto"))
	if err := os.Remove(filepath.Join(current, "proto", predictionService)); err != nil {
		t.Fatal(err)
	}
	requireRules(t, breaking(t, current, frozen(t)), []string{"FILE_NO_DELETE"})
}

func TestGateOnAPackageRenamed(t *testing.T) {
	t.Parallel()
	current := workspace(t, filepath.Join(root, "proto"))
	for _, name := range []string{"registry_service.proto", "rollout.proto"} {
		edit{
			file: "sepal/registry/v1/" + name,
			old:  "package sepal.registry.v1;",
			new:  "package sepal.registry.v2;",
		}.apply(t, current)
	}
	requireRules(t, breaking(t, current, frozen(t)), []string{"FILE_SAME_PACKAGE"})
}

func TestContractKeepsWhatIsFrozen(t *testing.T) {
	t.Parallel()
	requireRules(t, breaking(t, workspace(t, filepath.Join(root, "proto")), frozen(t)), []string{allowed})
}

func (e edit) apply(t *testing.T, workspace string) {
	t.Helper()
	path := filepath.Join(workspace, "proto", e.file)
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(source), e.old); n != 1 {
		t.Fatalf("%s has %q %d times, expected once: the contract changed, so must this test", e.file, e.old, n)
	}
	edited := strings.Replace(string(source), e.old, e.new, 1)
	if err := os.WriteFile(path, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
}

// frozen copies the frozen image, so that the test tool sees that the test depends on it.
func frozen(t *testing.T) string {
	t.Helper()
	image, err := os.ReadFile(frozenImage)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "frozen.binpb")
	if err := os.WriteFile(copied, image, 0o600); err != nil {
		t.Fatal(err)
	}
	return copied
}
