package registry_test

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/registry/registrytest"
	"github.com/sepal-ml/sepal/services/internal/registry/stores"
	"github.com/sepal-ml/sepal/services/internal/rollout"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

func openStore(t *testing.T, path string) (store registry.Store, single bool) {
	t.Helper()
	store, single, err := stores.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return store, single
}

// present returns the rollout of the default model.
func present(t *testing.T, l *registry.Live) *registryv1.Rollout {
	t.Helper()
	m, err := l.Current().Model("")
	if err != nil {
		t.Fatal(err)
	}
	return proto.CloneOf(m.Rollout)
}

// set makes a version the stable one of the default model.
func set(t *testing.T, l *registry.Live, stable string) *registryv1.RolloutEvent {
	t.Helper()
	if _, err := l.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	wanted := present(t, l)
	wanted.Stable = stable
	event, err := l.SetRollout(t.Context(), wanted, rollout.Change{})
	if err != nil {
		t.Fatal(err)
	}
	return event
}

func stable(t *testing.T, l *registry.Live, want string) {
	t.Helper()
	requireVersion(t, l.Current().Default(), "iris/"+want)
}

func TestMain(m *testing.M) {
	if err := registrytest.S3Environment(); err != nil {
		panic(err)
	}
	m.Run()
}

// eachStore runs a test with an empty store of every kind.
func eachStore(t *testing.T, test func(t *testing.T, location string)) {
	t.Helper()
	t.Run("folder", func(t *testing.T) {
		t.Parallel()
		test(t, t.TempDir())
	})
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		test(t, "mem://"+rand.Text())
	})
	t.Run("s3", func(t *testing.T) {
		t.Parallel()
		test(t, registrytest.S3(t, "/models"))
	})
}

func repairable(t *testing.T, location string) *registry.Live {
	t.Helper()
	store, single := openStore(t, location)
	l, err := registry.Open(t.Context(), store, registry.Options{SingleFile: single, Repair: true})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestPublishThenRollOutAndBack(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, location string) {
		l := repairable(t, location)
		for _, version := range []string{"v1.0.0", "v1.1.0", "v1.2.0"} {
			p, err := l.Publish(t.Context(), modelBytes(t, "iris", version, native.Binary), false, rollout.Change{Actor: "ada", Reason: "better"})
			if err != nil {
				t.Fatal(err)
			}
			requireVersion(t, p.Version, "iris/"+version)
			stable(t, l, "v1.0.0") // the first; publishing moves no traffic
		}
		set(t, l, "v1.1.0")
		set(t, l, "v1.2.0")
		stable(t, l, "v1.2.0")
		for _, want := range []string{"v1.1.0", "v1.0.0"} {
			if _, err := l.Rollback(t.Context(), "", 0, rollout.Change{}); err != nil {
				t.Fatal(err)
			}
			stable(t, l, want)
		}
		var nothing *rollout.NothingError
		if _, err := l.Rollback(t.Context(), "iris", 0, rollout.Change{}); !errors.As(err, &nothing) {
			t.Errorf("got error %v, expected that there is nothing to go back to", err)
		}
		if _, err := l.Rollback(t.Context(), "iris", 5, rollout.Change{}); err != nil {
			t.Fatal(err)
		}
		stable(t, l, "v1.2.0")

		again := repairable(t, location) // a server that starts now
		stable(t, again, "v1.2.0")
		m, err := again.Current().Model("")
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Events) != 8 || m.Events[0].GetActor() != "ada" || m.Events[0].GetReason() != "better" {
			t.Errorf("the history is %v, expected 3 publications, 2 changes and 3 rollbacks", m.Events)
		}
	})
}

func TestPublishingToARegistryWithoutRolloutMovesNoTraffic(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0")
	l, replica := live(t, options{Path: root}), live(t, options{Path: root})
	if _, err := l.Publish(t.Context(), modelBytes(t, "iris", "v2.0.0", native.JSON), false, rollout.Change{}); err != nil {
		t.Fatal(err)
	}
	stable(t, l, "v1.0.0")
	reload(t, replica, true)
	stable(t, replica, "v1.0.0")
	if _, err := os.Stat(filepath.Join(root, "iris/v2.0.0/model.json")); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBePublished(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0")
	l := live(t, options{Path: root})
	pickle, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "models-elsewhere", "sklearn", "iris_lr_sk1.2.1_p4.pkl"))
	if err != nil {
		t.Fatal(err)
	}
	whole := modelBytes(t, "iris", "v2.0.0", native.Binary)
	for name, test := range map[string]struct {
		file []byte
		want string
	}{
		"nothing":          {nil, "the file is empty"},
		"cut short":        {whole[:len(whole)-5], "the file is "},
		"of another tool":  {pickle, "the file is of another tool (pickle protocol 4) and does not say which model and version it is; import it first (sepal models import)"},
		"there already":    {modelBytes(t, "iris", "v1.0.0", native.JSON), `model "iris" has a version "v1.0.0" already, and versions never change; publish it as another one`},
		"without its name": {[]byte(`{"formatVersion":1,"version":"v1.0.0"}`), `name: `},
	} {
		if _, err := l.Publish(t.Context(), test.file, true, rollout.Change{}); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: got error %v, expected %s", name, err, test.want)
		}
	}
	entries, err := os.ReadDir(filepath.Join(root, "iris"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "v1.0.0" && e.Name() != "rollout.json" && !strings.HasPrefix(e.Name(), ".") {
			t.Errorf("there is %s", e.Name())
		}
	}
	for name, l := range map[string]*registry.Live{
		"built-in":    live(t, options{}),
		"single file": live(t, options{Path: filepath.Join(root, "iris/v1.0.0/model.binpb")}),
	} {
		if _, err := l.Publish(t.Context(), whole, false, rollout.Change{}); !errors.Is(err, registry.ErrReadOnly) {
			t.Errorf("%s: got error %v, expected that it cannot be written to", name, err)
		}
	}
}

func TestRequestsSentTwiceAreMadeOnce(t *testing.T) {
	t.Parallel()
	l := live(t, options{Path: folder(t, "iris/v1.0.0")})
	file := modelBytes(t, "iris", "v2.0.0", native.Binary)
	once := rollout.Change{RequestID: "p-1"}
	first, err := l.Publish(t.Context(), file, false, once)
	if err != nil {
		t.Fatal(err)
	}
	second, err := l.Publish(t.Context(), file, false, once)
	if err != nil || second.Event.GetRevision() != first.Event.GetRevision() {
		t.Errorf("sent again, publishing answers %v, %v, expected event %d", second, err, first.Event.GetRevision())
	}
	var reused *registry.RequestIDError
	if _, err := l.Publish(t.Context(), modelBytes(t, "iris", "v3.0.0", native.Binary), false, once); !errors.As(err, &reused) {
		t.Errorf("got error %v, expected that the id was used before", err)
	}
	wanted := present(t, l)
	wanted.Stable = "v2.0.0"
	for range 2 {
		event, err := l.SetRollout(t.Context(), wanted, rollout.Change{RequestID: "s-1"})
		if err != nil {
			t.Fatal(err)
		}
		if event.GetRevision() != 2 {
			t.Errorf("the event is %d, expected 2 each time", event.GetRevision())
		}
	}
	wanted.Labels = map[string]string{"now": "v2.0.0"}
	if _, err := l.SetRollout(t.Context(), wanted, rollout.Change{RequestID: "s-1"}); !errors.As(err, &reused) {
		t.Errorf("got error %v, expected that the id was used for another rollout", err)
	}
	if _, err := l.Rollback(t.Context(), "", 0, rollout.Change{RequestID: "s-1"}); !errors.As(err, &reused) {
		t.Errorf("got error %v, expected that the id was used before", err)
	}
}

func TestASecondModelNeedsADefault(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0")
	l := live(t, options{Path: root})
	rose := modelBytes(t, "rose", "v1.0.0", native.Binary)
	var second *registry.SecondModelError
	if _, err := l.Publish(t.Context(), rose, false, rollout.Change{}); !errors.As(err, &second) {
		t.Errorf("got error %v, expected that servers could not start again", err)
	}
	live(t, options{Path: root})
	if _, err := live(t, options{Path: root, DefaultModel: "iris"}).Publish(t.Context(), rose, false, rollout.Change{}); err != nil {
		t.Error(err)
	}
}

func TestChangesOfAVanishedModelAreRefused(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0", "iris/v1.1.0")
	l := live(t, options{Path: root, DefaultModel: "iris"})
	wanted := present(t, l)
	if err := os.Rename(filepath.Join(root, "iris"), filepath.Join(root, ".away")); err != nil {
		t.Fatal(err)
	}
	var failed *registry.StoreError
	if _, err := l.SetRollout(t.Context(), wanted, rollout.Change{}); !errors.As(err, &failed) {
		t.Errorf("got error %v, expected one of the store", err)
	}
	if _, err := os.Stat(filepath.Join(root, "iris")); err == nil {
		t.Error("the folder was made anew, in the way of the one that is away")
	}
	stable(t, l, "v1.1.0")
}

func TestAPublicationThatWasCutShortCanBeMadeAgain(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0", "iris/v2.0.0") // the file of v2.0.0, and nothing on record
	l := live(t, options{Path: root})
	p, err := l.Publish(t.Context(), modelBytes(t, "iris", "v2.0.0", native.Binary), false, rollout.Change{Actor: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	if p.Event.GetVersion() != "v2.0.0" || p.Event.GetActor() != "ada" {
		t.Errorf("the event is %v, expected the publication", p.Event)
	}
	var exists *registry.ExistsError
	if _, err := l.Publish(t.Context(), modelBytes(t, "iris", "v2.0.0", native.Binary), false, rollout.Change{}); !errors.As(err, &exists) {
		t.Errorf("got error %v, expected that it is there", err)
	}
}

func TestStaleChangesAreRefused(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, location string) {
		l := repairable(t, location)
		for _, version := range []string{"v1.0.0", "v1.1.0"} {
			if _, err := l.Publish(t.Context(), modelBytes(t, "iris", version, native.Binary), false, rollout.Change{}); err != nil {
				t.Fatal(err)
			}
		}
		other := repairable(t, location)
		mine, theirs := present(t, l), present(t, other)
		mine.Stable, theirs.Stable = "v1.1.0", "v1.0.0"
		if _, err := other.SetRollout(t.Context(), theirs, rollout.Change{Actor: "bob"}); err != nil {
			t.Fatal(err)
		}
		// l has not looked since.
		if _, err := l.SetRollout(t.Context(), mine, rollout.Change{}); !errors.Is(err, rollout.ErrStale) {
			t.Errorf("got error %v, expected that the etag is stale", err)
		}
		stable(t, l, "v1.0.0")
	})
}

func TestRolloutsNeedLoadedVersions(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0")
	l := live(t, options{Path: root})
	write(t, filepath.Join(root, "iris/v2.0.0-rc.1/model.binpb"), []byte("PK\x03\x04"))
	for version, want := range map[string]string{
		"v3.0.0":      `the rollout names version "v3.0.0", which model "iris" does not have`,
		"v2.0.0-rc.1": `the rollout names version "v2.0.0-rc.1" of model "iris", which could not be loaded: ROOT/iris/v2.0.0-rc.1/model.binpb: the file is no Sepal model, or is damaged or cut short: it looks like a zip archive`,
	} {
		for _, change := range []func(*registryv1.Rollout){
			func(r *registryv1.Rollout) { r.Stable = version },
			func(r *registryv1.Rollout) { r.Variants = []*registryv1.Variant{{Version: version}} },
			func(r *registryv1.Rollout) { r.Shadows = []string{version} },
			func(r *registryv1.Rollout) { r.Labels = map[string]string{"next": version} },
		} {
			wanted := present(t, l)
			change(wanted)
			_, err := l.SetRollout(t.Context(), wanted, rollout.Change{})
			var notLoaded *registry.NotLoadedError
			if !errors.As(err, &notLoaded) {
				t.Fatalf("got error %v, expected %s", err, want)
			}
			requireError(t, err, root, want)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "iris/rollout.json")); err == nil {
		t.Error("a rollout was written")
	}
}
