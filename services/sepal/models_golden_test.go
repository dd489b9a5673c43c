package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// modelsScript is commands on one registry that is empty at first. What they write all together
// is kept in testdata/golden. A line "damage FILE" damages a file of the registry; "lose FILE"
// removes it.
type modelsScript struct {
	name string
	// local says that it shows what a server that had loaded the files before would not.
	local bool
	lines string
}

func (s modelsScript) golden() string { return "models_" + s.name + ".txt" }

const (
	irisV1 = "$TESTDATA/models/iris/v1.0.0/model.binpb"
	irisV2 = "$TESTDATA/models/iris/v1.1.0/model.json"
	loanV1 = "$TESTDATA/models/loan/v1.0.0/model.json"
)

var modelsScripts = []modelsScript{
	{name: "life", lines: `
list
publish ` + irisV1 + ` -m first
publish ` + irisV2 + `
publish ` + irisV2 + ` --model-version v1.2.0 --json
list
split canary:v1.1.0=5 v1.2.0=0 -m slowly
split v1.1.0=12.5%
label champion=v1.0.0 challenger=v1.1.0
show
shadow v1.2.0
list
show challenger
promote challenger
promote v1.1.0
label --remove challenger
shadow --off v1.2.0
split --clear
rollback --json
rollback 4
show --json
history
history -n 2
history --limit 1 --json
verify
verify v1.0.0 --json
list --json
`},
	{name: "refused", lines: `
show
promote v1.0.0
publish ` + irisV1 + `
publish ` + irisV1 + `
publish $TESTDATA/datasets/iris.csv
publish $TESTDATA/none.binpb
publish $TESTDATA/models-elsewhere/onnx/iris_scaler_linear_zipmap.onnx
publish ` + irisV1 + ` --name Iris
publish ` + irisV1 + ` --model-version 1
publish ` + loanV1 + ` --name iris --model-version v2.0.0
publish ` + loanV1 + ` --name iris --model-version v2.0.0 --force
import ` + irisV1 + `
show v9.0.0
show --model rose
promote v9.0.0
split
split v1.0.0=5
split v2.0.0
split :v2.0.0=5
split two=5
split v2.0.0=101
split v2.0.0=NaN
split v2.0.0=5 v2.0.0=6
split --remove b b:v2.0.0=5
split v2.0.0=60 b:v2.0.0=50
split --remove canary
split stable:v2.0.0=5
shadow
shadow --off v2.0.0
shadow --off v2.0.0 v2.0.0
shadow canary
label
label champion
label a=v1.0.0 a=v2.0.0
label v3.0.0=v1.0.0
label --remove champion
label a=v1.0.0 --remove a
label a=b
promote champion
rollback
rollback 2
rollback 0
rollback -1
rollback x
verify v9.0.0
verify
split v2.0.0=0
split v2.0.0=5
promote v2.0.0
promote v1.0.0
rollback 1
rollback
history
`},
	{name: "several", local: true, lines: `
publish ` + irisV1 + `
publish ` + loanV1 + `
publish ` + loanV1 + ` --force
list
list --model loan
show
history
show --model loan
verify --model loan
history --model loan
publish ` + irisV2 + `
shadow --model iris v1.1.0
show --model iris
`},
	{name: "rolled_back", local: true, lines: `
publish ` + irisV1 + `
publish ` + irisV2 + `
promote v1.1.0
damage iris/v1.1.0/model.json
show
rollback -m damaged
show
rollback 3
history
`},
	{name: "broken", local: true, lines: `
publish ` + irisV1 + `
publish ` + irisV2 + `
split v1.1.0=5
promote v1.1.0
damage iris/v1.1.0/model.json
list
show
show v1.1.0
verify
promote v1.1.0
rollback
split v1.1.0=5
promote v1.0.0
promote v1.0.0
show
lose iris/rollout.json
list
show
promote v1.0.0
show
damage iris/rollout.json
show
verify v1.1.0
history
history --json
promote v1.0.0
`},
}

// TestModelsGolden runs the scripts on a folder, and those that a server takes by a server.
func TestModelsGolden(t *testing.T) {
	t.Parallel()
	for _, script := range modelsScripts {
		t.Run(script.name, func(t *testing.T) {
			t.Parallel()
			path := testenv.Testdata("golden", script.golden())
			root := t.TempDir()
			got := runScript(t, script, root, "--registry "+root)
			if os.Getenv("SEPAL_UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			requireTranscript(t, path, got)
			if script.local {
				return
			}
			o := testenv.Options()
			o.ModelPath, o.DefaultModel, o.Repair = t.TempDir(), "", true
			env := testenv.Start(t, o)
			requireTranscript(t, path, runScript(t, script, o.ModelPath, "--server "+env.Address))
		})
	}
}

func requireTranscript(t *testing.T, path, got string) {
	t.Helper()
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(pieces(string(want)), pieces(got), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("-want +got:\n%s\ngot:\n%s", diff, got)
	}
}

// runScript returns what the commands write, without what differs from run to run.
func runScript(t *testing.T, script modelsScript, root, where string) string {
	t.Helper()
	var transcript strings.Builder
	for line := range strings.Lines(strings.TrimSpace(script.lines)) {
		line = strings.TrimSpace(line)
		verb, rest, _ := strings.Cut(line, " ")
		transcript.WriteString("$ " + line + "\n")
		switch verb {
		case "damage":
			if err := os.WriteFile(filepath.Join(root, rest), []byte("{x"), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		case "lose":
			if err := os.Remove(filepath.Join(root, rest)); err != nil {
				t.Fatal(err)
			}
			continue
		case "publish", "import", "promote", "split", "shadow", "label", "rollback":
			line += " --actor ada@laptop"
		}
		transcript.WriteString(sepalCommand(t, "", strings.Fields("models "+line+" "+where)...).String())
	}
	text := strings.ReplaceAll(transcript.String(), root, "$REGISTRY")
	text = strings.ReplaceAll(text, testenv.Testdata(), testdataMark)
	for _, v := range varying {
		text = v.pattern.ReplaceAllString(text, v.to)
	}
	return text
}

// varying is what differs from run to run, or between a registry and a server.
var varying = []struct {
	pattern *regexp.Regexp
	to      string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`), "YYYY-MM-DD hh:mm:ss"},
	{regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[^"]*"`), `"TIME"`},
	{regexp.MustCompile(`"requestId":"[0-9A-Z]{26}"`), `"requestId":"ID"`},
	{regexp.MustCompile(`"peer":"(127\.0\.0\.1)?"`), `"peer":"PEER"`},
}
