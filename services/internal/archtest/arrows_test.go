package archtest

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// ban forbids packages to depend on others. The patterns are those of [pkg.matches].
type ban struct {
	from, notFrom []string
	to, notTo     []string
	// direct limits the ban to import lines: what an import needs in its turn is its own affair.
	direct bool
	why    string
}

// gonumNeeds is the one package outside itself and the standard library that gonum's optimize
// imports.
const gonumNeeds = "golang.org/x/tools/container/intsets"

var bans = []ban{{
	from:   []string{"./services/softmax/..."},
	to:     []string{"net/...", "os/...", "log/...", "io/fs", "syscall", "database/sql/..."},
	direct: true,
	why:    "the engine is pure: it reads no files, opens no connections and logs nothing, so it runs and tests anywhere",
}, {
	from:  []string{"./services/softmax/..."},
	to:    []string{"third-party", "./..."},
	notTo: []string{"./services/softmax/...", "gonum.org/v1/gonum/...", "golang.org/x/sys/cpu", gonumNeeds},
	why:   "the engine is for any program: the contract, RPC, logging and metrics are the business of those who call it",
}, {
	from: []string{"./services/modelfile/onnx/...", "./services/modelfile/sklearn/..."},
	to:   []string{"./gen/..."},
	why:  "other tools' formats become a model of the engine, not our messages: a change of the contract must not touch them",
}, {
	from: []string{"./services/modelfile/..."},
	to:   []string{"./services/internal/...", "./services/server/...", "./services/trainer/...", "./services/scorer/..."},
	why:  "codecs are public and sit under the services: other programs use them without our registry or servers",
}, {
	from:    []string{"./services/internal/..."},
	notFrom: []string{"./services/internal/testenv/..."}, // starts a server for tests
	to:      []string{"./services/server/...", "./services/trainer/...", "./services/scorer/..."},
	why:     "what the services share knows none of them",
}, {
	from: []string{"./services/server/..."},
	to:   []string{"./services/trainer/...", "./services/scorer/..."},
	why:  "the services meet in the registry and the contract only, so that each can be run, scaled and changed alone",
}, {
	from: []string{"./services/trainer/..."},
	to:   []string{"./services/server/...", "./services/scorer/..."},
	why:  "the services meet in the registry and the contract only, so that each can be run, scaled and changed alone",
}, {
	from: []string{"./services/scorer/..."},
	to:   []string{"./services/server/...", "./services/trainer/..."},
	why:  "the services meet in the registry and the contract only, so that each can be run, scaled and changed alone",
}, {
	from: []string{"./clients/..."},
	to:   []string{"./services/..."},
	why:  "a client builds without the server: its users must not carry the server's dependencies",
}, {
	from: []string{"./gen/..."},
	to:   []string{"./services/...", "./clients/..."},
	why:  "generated code follows from the contract alone",
}, {
	from:    []string{"./..."},
	notFrom: []string{"./services/sepal/..."},
	to:      []string{"./services/sepal/..."},
	why:     "the command wires the rest together: nothing may need it",
}}

// violations returns a line for each package that depends on one it must not, with the way
// there and the reason.
func (b ban) violations(g graph) []string {
	var lines []string
	for _, path := range slices.Sorted(maps.Keys(g)) {
		from := g[path]
		if !from.matchesAny(b.from) || from.matchesAny(b.notFrom) {
			continue
		}
		for _, way := range b.ways(g, path) {
			lines = append(lines, strings.Join(way, " → ")+": "+b.why)
		}
	}
	return lines
}

// ways returns the shortest way from the package at path to each banned package that it reaches;
// what lies behind a banned package is not looked at.
func (b ban) ways(g graph, path string) [][]string {
	var found [][]string
	seen := map[string]bool{path: true}
	for queue := [][]string{{path}}; len(queue) > 0; queue = queue[1:] {
		way := queue[0]
		for _, next := range g[way[len(way)-1]].Imports {
			to, known := g[next]
			if seen[next] || !known {
				continue
			}
			seen[next] = true
			longer := append(slices.Clone(way), next)
			switch {
			case to.matchesAny(b.to) && !to.matchesAny(b.notTo):
				found = append(found, longer)
			case !b.direct:
				queue = append(queue, longer)
			}
		}
	}
	return found
}

func TestArrows(t *testing.T) {
	t.Parallel()
	g := listed(t)
	for _, b := range bans {
		for _, line := range b.violations(g) {
			t.Error(line)
		}
	}
}
