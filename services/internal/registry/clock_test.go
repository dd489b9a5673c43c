package registry_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/rollout"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// TestChangesWhileTheClockJumps are in the order in which they were made, whatever their times say.
func TestChangesWhileTheClockJumps(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0", "iris/v1.1.0")
	l := live(t, options{Path: root})
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	for i, jump := range []time.Duration{0, -24 * time.Hour, 20 * 365 * 24 * time.Hour, -time.Nanosecond} {
		wanted := present(t, l)
		wanted.Stable = []string{"v1.0.0", "v1.1.0"}[i%2]
		at := now.Add(jump)
		event, err := l.SetRollout(t.Context(), wanted, rollout.Change{Time: at, Actor: "ada"})
		if err != nil {
			t.Fatal(err)
		}
		if event.GetRevision() != uint32(i+1) || !event.GetTime().AsTime().Equal(at) {
			t.Errorf("change %d is %v", i, event)
		}
		stable(t, l, wanted.GetStable())
	}
	if _, err := l.Rollback(t.Context(), "iris", 0, rollout.Change{Time: now.AddDate(-1, 0, 0), Actor: "ada"}); err != nil {
		t.Fatal(err)
	}
	stable(t, l, "v1.0.0")
	// What was written can be read again, by one who starts now.
	stable(t, live(t, options{Path: root}), "v1.0.0")
}

// TestFilesFromTheFutureAndThePast: a file is another one if its time differs, be it earlier.
func TestFilesFromTheFutureAndThePast(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "model.binpb")
	at := func(when time.Time, version string) {
		t.Helper()
		write(t, path, modelBytes(t, "iris", version, native.Binary))
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	at(now.AddDate(10, 0, 0), "v1.0.0")
	l := live(t, options{Path: path})
	for i, when := range []time.Time{now, now.AddDate(-10, 0, 0), now.AddDate(-10, 0, 0), time.Unix(0, 0), now.AddDate(30, 0, 0)} {
		version := []string{"v2.0.0", "v3.0.0"}[i%2]
		at(when, version)
		reload(t, l, true)
		requireVersion(t, l.Current().Default(), "iris/"+version)
		reload(t, l, false)
	}
}
