package main

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	sepal "github.com/sepal-ml/sepal/clients/go"
	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/testenv"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// must fails the test unless the command succeeds, and returns its output.
func must(t *testing.T, line string) string {
	t.Helper()
	got := sepalCommand(t, "", strings.Fields(line)...)
	if got.code != exitOK {
		t.Fatalf("sepal %s: %v", line, got)
	}
	return got.stdout
}

// irisRegistry returns a folder with the two versions of iris, of which v1.0.0 is stable.
func irisRegistry(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	must(t, "models publish "+irisV1+" -r "+root)
	must(t, "models publish "+irisV2+" -r "+root)
	return root
}

// TestAChangeMadeMeanwhileWins lets another change come between the reading and the setting of
// the rollout.
func TestAChangeMadeMeanwhileWins(t *testing.T) {
	t.Parallel()
	root := irisRegistry(t)
	ways := map[string]modelsCmd{"registry": {Registry: root}}
	o := testenv.Options()
	o.ModelPath, o.DefaultModel = irisRegistry(t), ""
	env := testenv.Start(t, o)
	ways["server"] = modelsCmd{Server: env.Address}
	for name, m := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			where := "-r " + root
			if m.Server != "" {
				where = "-s " + m.Server
			}
			var stdout, stderr strings.Builder
			p := &process{ctx: t.Context(), stdout: &stdout, stderr: &stderr}
			err := m.use(p, func(r *registryClient) error {
				return r.change("", changeFlags{}, func(now *registryv1.Rollout) (*registryv1.Rollout, error) {
					must(t, "models split v1.1.0=5 --actor eve "+where)
					return promoted("v1.1.0")(now)
				})
			})
			if code := conclude(t.Context(), err, &stderr); code != exitFailure {
				t.Errorf("the exit code is %d, expected %d", code, exitFailure)
			}
			got := stderr.String()
			for _, want := range []string{"sepal: the rollout was changed meanwhile: ", `by "eve"`, "; run this again\n"} {
				if !strings.Contains(got, want) {
					t.Errorf("got %q, expected %q in it", got, want)
				}
			}
			if strings.Count(got, "\n") != 1 || stdout.Len() > 0 {
				t.Errorf("got %q and %q, expected one line", stdout.String(), got)
			}
			if now := must(t, "models show "+where); !strings.Contains(now, "v1.1.0   5 %") || !strings.Contains(now, "v1.0.0   95 %") {
				t.Errorf("the rollout is by now\n%s", now)
			}
		})
	}
}

// TestATrainedModelGoesLive is the way of a model: trained, published, compared, promoted, all on
// a server that goes on serving.
func TestATrainedModelGoesLive(t *testing.T) {
	t.Parallel()
	o := testenv.Options()
	o.ModelPath, o.DefaultModel = irisRegistry(t), ""
	env := testenv.Start(t, o)
	model, where := filepath.Join(t.TempDir(), "model.json"), " -s "+env.Address
	must(t, "train $TESTDATA/datasets/iris.csv --label species --name iris --model-version v1.2.0 -o "+model)

	requireParts(t, must(t, "models publish "+model+where), "published v1.2.0", "v1.0.0   100 %")
	must(t, "models shadow v1.2.0"+where)
	answer(t, env.Address, 20)
	requireParts(t, must(t, "models show"+where), "shadow        v1.2.0   -\n", "\nv1.2.0  v1.0.0  20    ")
	requireParts(t, must(t, "models promote v1.2.0"+where), "stable v1.0.0 → v1.2.0")
	requireParts(t, must(t, "predict 5.1 3.5 1.4 0.2"+where), "by iris v1.2.0\n")
	must(t, "models rollback"+where)
	requireParts(t, must(t, "predict 5.1 3.5 1.4 0.2"+where), "by iris v1.0.0\n")
}

// answer has a server classify rows with the version that it chooses.
func answer(t *testing.T, address string, rows int) {
	t.Helper()
	client, err := sepal.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	request := new(predictionv1.BatchPredictRequest)
	for i := range rows {
		request.Rows = append(request.Rows, &predictionv1.Row{Features: []float64{5 + float64(i)/10, 3, 1.4, 0.2}})
	}
	if _, err := client.BatchPredict(t.Context(), request); err != nil {
		t.Fatal(err)
	}
}

func requireParts(t *testing.T, got string, parts ...string) {
	t.Helper()
	for _, want := range parts {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nexpected %q in it", got, want)
		}
	}
}

func TestModelsImportPublishesWhatItRead(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	file := elsewhere("sklearn", "iris_pipe_sk1.2.1_p4.pkl")
	got := must(t, "models import "+file+" --name iris --model-version v2.0.0 --classes setosa,versicolor,virginica --actor ada -m why -r "+root)
	requireParts(t, got, "written   scikit-learn 1.2.1\n", "iris, revision 1: published v2.0.0\n", "stable        v2.0.0   100 %\n")
	requireParts(t, must(t, "predict 5.1 3.5 1.4 0.2 -m "+root), "setosa, ", "by iris v2.0.0\n")
	requireParts(t, must(t, "models history -r "+root), "ada", "published v2.0.0", "why")
	requireParts(t, must(t, "models verify -r "+root), "3 reproduce to 1e-9")

	wrong := sepalCommand(t, "", "models", "import", file, "--classes", "a,b", "-r", root)
	if wrong.code != exitUsage || wrong.stderr != "sepal: --classes names 2 classes, expected 3: setosa, versicolor, virginica; see `sepal help models import`\n" {
		t.Errorf("got %v", wrong)
	}
}

// TestARenamedModelKeepsItsGoldenRows publishes one file under other names.
func TestARenamedModelKeepsItsGoldenRows(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, file := range []string{irisV1, irisV2} {
		must(t, "models publish "+file+" --name rose --model-version v3.0.0"+map[bool]string{true: "-rc.1"}[file == irisV1]+" -r "+root)
	}
	for _, path := range []string{"rose/v3.0.0-rc.1/model.binpb", "rose/v3.0.0/model.json"} {
		if _, err := os.Stat(filepath.Join(root, path)); err != nil {
			t.Error(err)
		}
	}
	if got := must(t, "models verify -r "+root); strings.Count(got, "4 reproduce to 1e-9") != 2 {
		t.Errorf("got\n%s\nexpected 4 golden rows in each file", got)
	}
}

// TestTheHistoryNamesTheUserAndTheHost is about who made a change that does not say.
func TestTheHistoryNamesTheUserAndTheHost(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	u, err := user.Current()
	if err != nil {
		t.Skip(err)
	}
	requireParts(t, must(t, "models history -r "+irisRegistry(t)), "  "+u.Username+"@"+host+"  published v1.1.0\n")
}

// TestARolloutOfAPinnedModelIsChanged changes what a server does not follow, and says so.
func TestARolloutOfAPinnedModelIsChanged(t *testing.T) {
	t.Parallel()
	o := testenv.Options()
	o.ModelPath, o.ModelVersion, o.DefaultModel = irisRegistry(t), "v1.0.0", ""
	env := testenv.Start(t, o)
	got := must(t, "models promote v1.1.0 -s "+env.Address)
	requireParts(t, got, "stable v1.0.0 → v1.1.0", "\npinned        v1.0.0   answers in place of all this on this server (MODEL_VERSION)\n")
	requireParts(t, must(t, "models list -s "+env.Address), "v1.0.0   pinned ", "v1.1.0   stable 100 % ")
	requireParts(t, must(t, "models show -r "+o.ModelPath), "stable        v1.1.0   100 %\n")
}

// TestALargeModelIsPublished publishes more than a server takes in other requests.
func TestALargeModelIsPublished(t *testing.T) {
	t.Parallel()
	const features, classes = 1000, 600
	m := &modelv1.Model{
		FormatVersion: native.FormatVersion, Name: "large", Version: "v1.0.0", Signature: new(modelv1.Signature),
		Weights: make([]float64, features*classes), Intercepts: make([]float64, classes),
	}
	for i := range features {
		m.Signature.Features = append(m.Signature.Features, &modelv1.Feature{Name: fmt.Sprintf("x%d", i), Kind: &modelv1.Feature_Numeric{Numeric: new(modelv1.NumericFeature)}})
	}
	for k := range classes {
		m.Classes = append(m.Classes, fmt.Sprintf("c%d", k))
	}
	data, err := native.Encode(m, native.Binary)
	if err != nil {
		t.Fatal(err)
	}
	o := testenv.Options()
	o.ModelPath, o.DefaultModel, o.Repair = t.TempDir(), "", true
	if len(data) <= o.MaxMessageBytes {
		t.Fatalf("the model has only %d bytes", len(data))
	}
	file := filepath.Join(t.TempDir(), "large.binpb")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	env := testenv.Start(t, o)
	for _, where := range []string{"-s " + env.Address, "-r " + t.TempDir()} {
		requireParts(t, must(t, "models publish "+file+" "+where), "large, revision 1: published v1.0.0\n")
	}
}

// TestChangesAreRefusedFromElsewhere asks a server by way of a proxy.
func TestChangesAreRefusedFromElsewhere(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	client, err := sepal.Dial(env.Address, sepal.WithHeader("X-Forwarded-For", "192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	r := &registryClient{Client: client, process: &process{ctx: t.Context()}, server: env.Address, log: new(lastError)}
	err = r.failed(r.change("iris", changeFlags{}, promoted("v1.1.0")))
	if want := "server " + env.Address + ": changes are taken only from the server's own machine"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, expected %s…", err, want)
	}
}

func TestModelsWithoutAServer(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"list", "show", "promote v1.0.0", "rollback", "history", "verify", "publish " + irisV1} {
		got := sepalCommand(t, "", strings.Fields("models "+verb+" -s 127.0.0.1:1")...)
		if got.code != exitFailure || !strings.HasPrefix(got.stderr, "sepal: server 127.0.0.1:1 cannot be reached: ") || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%s: got %v", verb, got)
		}
	}
}

func TestAgreementIsSaid(t *testing.T) {
	t.Parallel()
	agreement := func(version string, rows, agreed, failed uint64) *registryv1.ShadowAgreement {
		return &registryv1.ShadowAgreement{Shadow: "v2.0.0", Version: version, Rows: rows, Agreed: agreed, Failed: failed, MeanDifference: 0.0125, MaxDifference: 0.5}
	}
	other := agreement("v1.0.0", 5, 5, 5)
	other.Shadow = "v3.0.0"
	tests := []struct {
		agreements []*registryv1.ShadowAgreement
		want       []string
	}{
		{nil, []string{"v2.0.0 - 0 - - - 0"}},
		{[]*registryv1.ShadowAgreement{other, agreement("v1.0.0", 0, 0, 0)}, []string{"v2.0.0 - 0 - - - 0"}},
		{[]*registryv1.ShadowAgreement{agreement("v1.0.0", 0, 0, 3)}, []string{"v2.0.0 v1.0.0 0 - - - 3"}},
		{
			[]*registryv1.ShadowAgreement{agreement("v1.0.0", 200, 199, 0), agreement("v1.1.0", 4, 1, 2)},
			[]string{"v2.0.0 v1.0.0 200 99.50 % 0.0125 0.5 0", "v2.0.0 v1.1.0 4 25.00 % 0.0125 0.5 2"},
		},
	}
	for _, test := range tests {
		var stdout strings.Builder
		r := &registryClient{process: &process{stdout: &stdout}}
		err := r.write(func(out *textTable) {
			out.agreements(&registryv1.GetRolloutResponse{Rollout: &registryv1.Rollout{Shadows: []string{"v2.0.0"}}, Agreements: test.agreements}, true)
		})
		var got []string
		for line := range strings.Lines(stdout.String()) {
			got = append(got, strings.Join(strings.Fields(line), " "))
		}
		want := append([]string{"", "shadow beside rows same class apart by at most not scored"}, test.want...)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("-want +got:\n%s\n%v", diff, err)
		}
	}
}

func TestRolesAreSaid(t *testing.T) {
	t.Parallel()
	r := edited()
	pinned := proto.CloneOf(r)
	pinned.Pinned = "v1.1.0"
	tests := []struct {
		version string
		rollout *registryv1.Rollout
		want    string
	}{
		{"v1.0.0", r, "stable 94 %, label champion"},
		{"v1.1.0", r, "canary 5 %, shadow, label next"},
		{"v1.1.0", pinned, "pinned, canary 5 %, shadow, label next"},
		{"v1.2.0", r, "variant 0 %, other 1 %"},
		{"v1.4.0", r, "-"},
		{"v1.4.0", nil, "-"},
	}
	for _, test := range tests {
		if got := rolesOf(test.version, test.rollout); got != test.want {
			t.Errorf("%s: got %q, expected %q", test.version, got, test.want)
		}
	}
}

func TestWhoAndWhenAreSaid(t *testing.T) {
	t.Parallel()
	for peer, want := range map[string]string{"": "ada", "127.0.0.1": "ada", "::1": "ada", "192.0.2.1": "ada from 192.0.2.1", "\x1b[2J": `ada from "\x1b[2J"`} {
		if got := who(&registryv1.RolloutEvent{Actor: "ada", Peer: peer}); got != want {
			t.Errorf("of %q: got %q, expected %q", peer, got, want)
		}
	}
	if got := who(&registryv1.RolloutEvent{}); got != "somebody" {
		t.Errorf("of nobody: got %q", got)
	}
	if got := moment(&timestamppb.Timestamp{Seconds: 1767225599}) + " " + moment(nil); got != "2025-12-31 23:59:59 -" {
		t.Errorf("got %q", got)
	}
}
