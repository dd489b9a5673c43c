package archtest

import (
	"slices"
	"strings"
	"testing"
)

// madeUp returns a graph with the imports given, each as "importer → imported", where "./" stands
// for the module. Packages without a dot in the first element are of the standard library.
func madeUp(t *testing.T, imports ...string) graph {
	t.Helper()
	g := make(graph)
	add := func(path string) string {
		if local, ok := strings.CutPrefix(path, "./"); ok {
			path = module + "/" + local
		}
		if _, known := g[path]; !known {
			first, _, _ := strings.Cut(path, "/")
			g[path] = pkg{ImportPath: path, Name: path[strings.LastIndex(path, "/")+1:], Standard: !strings.Contains(first, ".")}
		}
		return path
	}
	for _, line := range imports {
		importer, imported, ok := strings.Cut(line, " → ")
		if !ok {
			t.Fatalf("%q, expected \"importer → imported\"", line)
		}
		from, to := add(importer), add(imported)
		p := g[from]
		p.Imports = append(p.Imports, to)
		g[from] = p
	}
	return g
}

func TestBansRefuse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		imports []string
		why     string // part of the reason
	}{
		{"engine opens files", []string{"./services/softmax → os"}, "engine is pure"},
		{"engine opens connections", []string{"./services/softmax → net"}, "engine is pure"},
		{"engine speaks HTTP", []string{"./services/softmax → net/http"}, "engine is pure"},
		{"engine logs", []string{"./services/softmax/fit → log/slog"}, "engine is pure"},
		{"engine knows the contract", []string{"./services/softmax → ./gen/go/sepal/model/v1"}, "for any program"},
		{"engine logs with zerolog", []string{"./services/softmax → github.com/rs/zerolog"}, "for any program"},
		{"engine counts", []string{"./services/softmax → github.com/prometheus/client_golang/prometheus"}, "for any program"},
		{"engine speaks RPC by way of a part of it", []string{
			"./services/softmax → ./services/softmax/internal/kernel",
			"./services/softmax/internal/kernel → connectrpc.com/connect",
		}, "for any program"},
		{"engine knows the registry", []string{"./services/softmax → ./services/internal/registry"}, "for any program"},
		{"ONNX codec knows the contract", []string{"./services/modelfile/onnx → ./gen/go/sepal/model/v1"}, "other tools' formats"},
		{"scikit-learn codec knows the contract by way of the native one", []string{
			"./services/modelfile/sklearn → ./services/modelfile/native",
			"./services/modelfile/native → ./gen/go/sepal/model/v1",
		}, "other tools' formats"},
		{"codec knows the registry", []string{"./services/modelfile/native → ./services/internal/registry"}, "codecs are public"},
		{"shared noun knows the server", []string{"./services/internal/registry → ./services/server"}, "knows none of them"},
		{"shared noun knows the trainer", []string{"./services/internal/dataset → ./services/trainer/internal/split"}, "knows none of them"},
		{"shared noun knows the server by way of the tests' one", []string{
			"./services/internal/registry → ./services/internal/testenv",
			"./services/internal/testenv → ./services/server",
		}, "knows none of them"},
		{"server knows the trainer", []string{"./services/server/internal/admin → ./services/trainer"}, "the services meet"},
		{"trainer knows the server", []string{"./services/trainer → ./services/server"}, "the services meet"},
		{"scorer knows the server", []string{"./services/scorer → ./services/server"}, "the services meet"},
		{"client knows the server by way of its own part", []string{
			"./clients/go → ./clients/go/internal/dial",
			"./clients/go/internal/dial → ./services/internal/rpc",
		}, "builds without the server"},
		{"generated code knows a service", []string{"./gen/go/sepal/model/v1 → ./services/softmax"}, "from the contract alone"},
		{"a service knows the command", []string{"./services/server → ./services/sepal/flags"}, "nothing may need it"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := madeUp(t, test.imports...)
			var lines []string
			for _, b := range bans {
				lines = append(lines, b.violations(g)...)
			}
			if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, test.why) }) {
				t.Errorf("got %q, expected a refusal because of %q", lines, test.why)
			}
		})
	}
}

func TestBansAllowTheHouse(t *testing.T) {
	t.Parallel()
	g := madeUp(t,
		"./services/softmax → math",
		"./services/softmax → gonum.org/v1/gonum/optimize",
		"gonum.org/v1/gonum/optimize → os",
		"gonum.org/v1/gonum/optimize → golang.org/x/tools/container/intsets",
		"./services/softmax → golang.org/x/sys/cpu",
		"./services/softmax → ./services/softmax/internal/kernel",
		"./services/modelfile/native → ./services/softmax",
		"./services/modelfile/native → ./gen/go/sepal/model/v1",
		"./services/modelfile/onnx → ./services/softmax",
		"./services/internal/registry → ./services/modelfile/native",
		"./services/internal/registry → os",
		"./services/server → ./services/internal/registry",
		"./services/server → net/http",
		"./services/internal/testenv → ./services/server",
		"./services/trainer → ./services/internal/dataset",
		"./services/sepal → ./services/server",
		"./services/sepal → ./services/trainer",
		"./services/sepal → ./services/sepal/flags",
		"./services/softmaxer → os",
		"./clients/go → ./gen/go/sepal/prediction/v1/predictionv1connect",
		"./gen/go/sepal/prediction/v1/predictionv1connect → connectrpc.com/connect",
	)
	for _, b := range bans {
		for _, line := range b.violations(g) {
			t.Error(line)
		}
	}
}

func TestViolationShowsTheShortestWay(t *testing.T) {
	t.Parallel()
	g := madeUp(t, "./clients/go → a.example/x", "a.example/x → a.example/y",
		"a.example/y → ./services/server", "a.example/x → ./services/server")
	b := ban{from: []string{"./clients/..."}, to: []string{"./services/..."}, why: "because"}
	got := b.violations(g)
	want := []string{module + "/clients/go → a.example/x → " + module + "/services/server: because"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, expected %q", got, want)
	}
}
