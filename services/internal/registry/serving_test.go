package registry_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/rollout"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// rollOut changes the rollout of the default model.
func rollOut(t *testing.T, l *registry.Live, change func(*registryv1.Rollout)) {
	t.Helper()
	wanted := present(t, l)
	change(wanted)
	if _, err := l.SetRollout(t.Context(), wanted, rollout.Change{}); err != nil {
		t.Fatal(err)
	}
}

func assign(t *testing.T, l *registry.Live, version, subject string) registry.Assignment {
	t.Helper()
	a, err := l.Current().Assign("", version, subject)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestReplicasAssignAlike(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0", "iris/v1.1.0", "iris/v1.2.0")
	l := live(t, options{Path: root})
	rollOut(t, l, func(r *registryv1.Rollout) {
		r.Stable = "v1.0.0"
		r.Variants = []*registryv1.Variant{{Name: "canary", Version: "v1.1.0", Weight: 500}, {Name: "dark", Version: "v1.2.0"}}
		r.Labels = map[string]string{"champion": "v1.0.0", "next": "v1.2.0"}
	})
	replica := live(t, options{Path: root})
	counts := map[string]int{}
	for i := range 20_000 {
		subject := fmt.Sprint("user-", i)
		mine, theirs := assign(t, l, "", subject), assign(t, replica, "", subject)
		if mine.Variant != theirs.Variant || mine.Version.Version != theirs.Version.Version {
			t.Fatalf("%s gets %s here and %s there", subject, mine.Variant, theirs.Variant)
		}
		counts[mine.Variant+" "+mine.Version.Version]++
	}
	if n := counts["canary v1.1.0"]; len(counts) != 2 || n < 800 || n > 1200 || counts["stable v1.0.0"] != 20_000-n {
		t.Errorf("the shares are %v, expected 5 %% of 20000 for the canary and the rest for the stable version", counts)
	}
	for version, want := range map[string]string{"v1.2.0": "v1.2.0", "next": "v1.2.0", "champion": "v1.0.0"} {
		if a := assign(t, l, version, "user-1"); a.Version.Version != want || a.Variant != "" || len(a.Shadows) > 0 {
			t.Errorf("%s gives %+v, expected version %s as no variant", version, a, want)
		}
	}
	_, err := l.Current().Assign("", "previous", "")
	requireError(t, err, "", `model "iris" has no version or label "previous"; it has: v1.2.0, v1.1.0, v1.0.0; labels: champion, next`)
}

func TestPinnedServersKeepOutOfRollouts(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0", "iris/v1.1.0")
	pinned, free := live(t, options{Path: root, Version: "v1.0.0"}), live(t, options{Path: root})
	rollOut(t, free, func(r *registryv1.Rollout) { r.Labels = map[string]string{"champion": "v1.1.0"} })
	reload(t, pinned, true)
	stable(t, free, "v1.1.0")
	stable(t, pinned, "v1.0.0")
	if v, err := pinned.Current().Resolve("", "champion"); err != nil || v.Version != "v1.1.0" {
		t.Errorf("the label leads to %v, %v, expected v1.1.0", v, err)
	}
	if r := present(t, pinned); r.GetPinned() != "v1.0.0" || r.GetStable() != "v1.1.0" || r.GetEtag() != "r1" {
		t.Errorf("the rollout is %v, expected that of the registry and the pin", r)
	}
}

func TestRolloutFilesThatCannotBeFollowed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		content []byte // nil: the file is removed
		want    string
	}{
		"cut short":               {[]byte(`{"formatVersion":`), "ROOT/iris/rollout.json: "},
		"names an absent version": {record(t, "v9.0.0"), `ROOT/iris/rollout.json: the rollout names version "v9.0.0", which model "iris" does not have`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := folder(t, "iris/v1.0.0", "iris/v1.1.0")
			path := write(t, filepath.Join(root, "iris/rollout.json"), record(t, "v1.0.0"))
			l := live(t, options{Path: root})
			write(t, path, test.content)
			reload(t, l, true)
			stable(t, l, "v1.0.0")
			problems := l.Current().Problems()
			if want := strings.ReplaceAll(test.want, "ROOT", root); len(problems) != 1 || !strings.HasPrefix(problems[0], want) {
				t.Errorf("the problems are %q, expected %q", problems, want)
			}
			if _, err := openLive(options{Path: root}); err == nil {
				t.Error("a server starts with it")
			}
			write(t, path, record(t, "v1.1.0"))
			reload(t, l, true)
			stable(t, l, "v1.1.0")
		})
	}
}

func TestARolloutFileThatGoesMovesNoTraffic(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0", "iris/v1.1.0")
	l := live(t, options{Path: root})
	set(t, l, "v1.0.0")
	remove(t, filepath.Join(root, "iris/rollout.json"))
	reload(t, l, true)
	stable(t, l, "v1.0.0")
	requireProblem(t, l, root, "ROOT/iris/rollout.json: the file is gone; what it said stays in force until a rollout is set")
	set(t, l, "v1.1.0")
	stable(t, l, "v1.1.0")
	if m, err := l.Current().Model(""); err != nil || len(m.Events) != 2 || len(m.Problems) > 0 {
		t.Errorf("there are %d events and the problems %q (%v), expected the history and none", len(m.Events), m.Problems, err)
	}
}

// A file that made no sense and is then removed, as its error advises, was a rollout once.
func TestADamagedRolloutFileThatGoesMovesNoTraffic(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0", "iris/v1.1.0")
	l := live(t, options{Path: root})
	set(t, l, "v1.0.0")
	path := filepath.Join(root, "iris/rollout.json")
	write(t, path, []byte("garbage"))
	reload(t, l, true)
	stable(t, l, "v1.0.0")
	wanted := present(t, l)
	var unreadable *registry.RolloutFileError
	if _, err := l.SetRollout(t.Context(), wanted, rollout.Change{}); !errors.As(err, &unreadable) {
		t.Errorf("got error %v, expected one of the rollout's file", err)
	}
	remove(t, path)
	reload(t, l, true)
	stable(t, l, "v1.0.0")
	set(t, l, "v1.1.0")
	if m, err := l.Current().Model(""); err != nil || len(m.Events) != 2 {
		t.Errorf("the history has %d events (%v), expected both", len(m.Events), err)
	}
}

func TestRolloutsOfAnotherModelAreNotFollowed(t *testing.T) {
	t.Parallel()
	root := folder(t, "rose/v1.0.0", "rose/v2.0.0")
	write(t, filepath.Join(root, "rose/rollout.json"), record(t, "v1.0.0")) // of iris
	_, err := openLive(options{Path: root})
	requireError(t, err, root, `ROOT/rose/rollout.json: the rollout is of model "iris", but stands in the folder of "rose"`)
}

// A label, a shadow and a dark launch get no traffic: for want of their versions no server must
// fail to start.
func TestServersStartWithoutVersionsThatGetNoTraffic(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0", "iris/v1.1.0", "iris/v1.2.0")
	rollOut(t, live(t, options{Path: root}), func(r *registryv1.Rollout) {
		r.Stable = "v1.0.0"
		r.Labels = map[string]string{"next": "v1.1.0", "now": "v1.0.0"}
		r.Shadows = []string{"v1.1.0"}
		r.Variants = []*registryv1.Variant{{Name: "dark", Version: "v1.1.0"}, {Name: "canary", Version: "v1.2.0", Weight: 100}}
	})
	remove(t, filepath.Join(root, "iris/v1.1.0/model.binpb"))
	l := live(t, options{Path: root})
	stable(t, l, "v1.0.0")
	if v, err := l.Current().Resolve("", "now"); err != nil || v.Version != "v1.0.0" {
		t.Errorf("the label leads to %v (%v)", v, err)
	}
	if problems := l.Current().Problems(); len(problems) != 1 || !strings.Contains(problems[0], "could not be loaded") {
		t.Errorf("the problems are %q, expected that of the version", problems)
	}
	remove(t, filepath.Join(root, "iris/v1.2.0/model.binpb"))
	if _, err := openLive(options{Path: root}); err == nil {
		t.Error("a server starts without a version that gets traffic")
	}
}

func TestPublishedDigestsAreHeld(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0")
	l := live(t, options{Path: root})
	if _, err := l.Publish(t.Context(), modelBytes(t, "iris", "v2.0.0", native.Binary), false, rollout.Change{}); err != nil {
		t.Fatal(err)
	}
	set(t, l, "v2.0.0")
	verification := func() []registry.Check {
		v, err := l.Verify(t.Context(), "", "v2.0.0")
		if err != nil {
			t.Fatal(err)
		}
		return v.Checks
	}
	for _, c := range verification() {
		if !c.Passed {
			t.Errorf("%s failed: %s", c.Name, c.Detail)
		}
	}
	path := filepath.Join(root, "iris/v2.0.0/model.binpb")
	data := modelBytes(t, "iris", "v2.0.0", native.Binary)
	// Another intercept, with golden rows or without, is a model too: only the digest tells.
	message, _, err := native.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	message.Intercepts[0] = 9
	other, err := native.Encode(message, native.Binary)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, other)
	if checks := verification(); checks[1].Name != "digest" || checks[1].Passed || !strings.Contains(checks[1].Detail, "was published") {
		t.Errorf("the checks are %+v, expected the digest to fail", checks)
	}
	_, err = openLive(options{Path: root})
	if err == nil || !strings.Contains(err.Error(), "the file is not the one that was published: its digest is sha256:") {
		t.Errorf("got error %v, expected that the file is not the one that was published", err)
	}
	write(t, path, other[:30])
	if checks := verification(); checks[len(checks)-1].Name != "decode" || checks[len(checks)-1].Passed {
		t.Errorf("the checks are %+v, expected the decoding to fail", checks)
	}
	remove(t, path)
	if checks := verification(); len(checks) != 1 || checks[0].Name != "read" || checks[0].Passed {
		t.Errorf("the checks are %+v, expected the reading to fail", checks)
	}
}

func TestShadowsAreCompared(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0")
	opposite := &modelv1.Model{}
	message, _, err := native.Decode(modelBytes(t, "iris", "v1.1.0", native.Binary))
	if err != nil {
		t.Fatal(err)
	}
	proto.Merge(opposite, message)
	opposite.Weights, opposite.Intercepts = []float64{1, -1}, []float64{0, -0.5}
	data, err := native.Encode(opposite, native.Binary)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "iris/v1.1.0/model.binpb"), data)
	publish(t, root, "iris/v1.2.0")
	l := live(t, options{Path: root})
	rollOut(t, l, func(r *registryv1.Rollout) { r.Stable, r.Shadows = "v1.0.0", []string{"v1.1.0", "v1.2.0"} })
	probabilities := make([]float64, 2)
	for range 10 {
		a := assign(t, l, "", "somebody")
		values := []float64{3}
		class, err := a.Version.Compiled.Predict(probabilities, values)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range a.Shadows {
			s.Observe(values, class, probabilities[class])
		}
	}
	counts := l.Agreements("iris")
	if len(counts) != 2 {
		t.Fatalf("there are %d counts, expected one per shadow: %+v", len(counts), counts)
	}
	opposed, alike := counts[0], counts[1]
	if opposed.Shadow != "v1.1.0" || opposed.Version != "v1.0.0" || opposed.Rows != 10 || opposed.Agreed != 0 || opposed.Mean < 0.9 || opposed.Max < 0.9 {
		t.Errorf("the opposite counts %+v, expected that it never agrees on 10 rows", opposed)
	}
	if alike.Rows != 10 || alike.Agreed != 10 || alike.Mean != 0 || alike.Failed != 0 {
		t.Errorf("the same model counts %+v, expected that it always agrees on 10 rows", alike)
	}
	publish(t, root, "iris/v1.3.0") // another snapshot counts on
	reload(t, l, true)
	if got := l.Agreements("iris"); len(got) != 2 || got[0].Rows != 10 {
		t.Errorf("after a reload the counts are %+v", got)
	}
	rollOut(t, l, func(r *registryv1.Rollout) { r.Shadows = nil })
	if got := l.Agreements("iris"); len(got) != 0 {
		t.Errorf("without shadows the counts are %+v", got)
	}
}
