// Package registrytest holds what every [registry.Store] must do, as a test that each of them runs.
package registrytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/sepal-ml/sepal/services/internal/registry"
)

// Opener returns two stores of the same place, which is new and empty, opened apart from each
// other as two processes would.
type Opener func(t *testing.T) (a, b registry.Store)

// Run holds a store to the comments of [registry.Store].
func Run(t *testing.T, open Opener) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(t *testing.T, a, b registry.Store)
	}{
		{"is empty at first", isEmpty},
		{"what one creates, the other reads", createsAndReads},
		{"an existing file is not created again", existing},
		{"paths nest", nests},
		{"odd names", oddNames},
		{"paths that are none", refusesPaths},
		{"a megabyte", megabyte},
		{"an empty file", emptyFile},
		{"the view stays readable", viewStays},
		{"what is written is the store's own copy", copies},
		{"replaces what is expected", replaces},
		{"replaces nothing else", replacesNothingElse},
		{"infos change with contents", infosChange},
		{"gives up", givesUp},
		{"one of many creates", oneCreates},
		{"one of 2 replaces", func(t *testing.T, a, b registry.Store) { oneReplaces(t, a, b, 2) }},
		{"one of 32 replaces", func(t *testing.T, a, b registry.Store) { oneReplaces(t, a, b, 32) }},
		{"new versions of a new model", versionsAtOnce},
		{"no increment is lost", counts},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a, b := open(t)
			test.run(t, a, b)
		})
	}
}

const (
	model   = "iris/v1.0.0/model.binpb"
	rollout = "iris/rollout.json"
)

func isEmpty(t *testing.T, a, b registry.Store) {
	requireFiles(t, a)
	requireFiles(t, b)
	if a.String() == "" {
		t.Error("the store has no name")
	}
}

func createsAndReads(t *testing.T, a, b registry.Store) {
	create(t, a, model, "first")
	create(t, b, rollout, "{}")
	for _, s := range []registry.Store{a, b} {
		requireFiles(t, s, rollout, model)
		requireContent(t, s, model, "first")
		requireContent(t, s, rollout, "{}")
	}
	if err := fstest.TestFS(files(t, a), rollout, model); err != nil {
		t.Error(err)
	}
}

func existing(t *testing.T, a, b registry.Store) {
	create(t, a, model, "first")
	for _, s := range []registry.Store{a, b} {
		if err := s.Create(t.Context(), model, []byte("second")); !errors.Is(err, fs.ErrExist) {
			t.Errorf("error is %v, expected %v", err, fs.ErrExist)
		}
	}
	requireContent(t, b, model, "first")
}

func nests(t *testing.T, a, b registry.Store) {
	paths := []string{"a", "b/c", "b/d/e/f/g", "b/d/h"}
	for _, p := range paths {
		create(t, a, p, p)
	}
	requireFiles(t, b, paths...)
	for _, p := range paths {
		requireContent(t, b, p, p)
	}
}

func oddNames(t *testing.T, a, b registry.Store) {
	paths := []string{
		"ünï/模型/🌸", "a b/c  d", "x%2Fy/100%", "plus+plus/a&b=c", "quote'\"/#hash?", "star*/[x]", "v1.0.0-rc.1+build",
		"trailing./dot..", "tilde~/$HOME", strings.Repeat("x", 200) + "/" + strings.Repeat("y", 200), "__0x2e__", "-rf",
	}
	for _, p := range paths {
		create(t, a, p, p)
	}
	slices.Sort(paths)
	requireFiles(t, b, paths...)
	for _, p := range paths {
		requireContent(t, b, p, p)
	}
}

func refusesPaths(t *testing.T, a, _ registry.Store) {
	for _, p := range []string{
		"", ".", "..", "/", "/absolute", "a/", "a//b", "../up", "a/../b", "a/./b", "\xff", "nul\x00",
		".hidden", "a/.hidden", ".a/b", "iris/.lock",
	} {
		if err := a.Create(t.Context(), p, []byte("x")); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Create of %q: error is %v, expected %v", p, err, fs.ErrInvalid)
		}
		if err := a.Replace(t.Context(), p, nil, []byte("x")); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Replace of %q: error is %v, expected %v", p, err, fs.ErrInvalid)
		}
	}
	requireFiles(t, a)
}

func megabyte(t *testing.T, a, b registry.Store) {
	content := make([]byte, 1<<20)
	for i := range content {
		content[i] = byte(i * 7 >> 3)
	}
	create(t, a, model, string(content))
	requireContent(t, b, model, string(content))
	if err := b.Replace(t.Context(), model, content, content[1:]); err != nil {
		t.Fatal(err)
	}
	requireContent(t, a, model, string(content[1:]))
}

func emptyFile(t *testing.T, a, b registry.Store) {
	create(t, a, rollout, "")
	requireContent(t, b, rollout, "")
	if err := b.Replace(t.Context(), rollout, nil, []byte("x")); !errors.Is(err, registry.ErrConflict) {
		t.Errorf("an empty file counts as none: %v", err)
	}
	if err := b.Replace(t.Context(), rollout, []byte{}, []byte("x")); err != nil {
		t.Error(err)
	}
	requireContent(t, a, rollout, "x")
}

func viewStays(t *testing.T, a, b registry.Store) {
	create(t, a, model, "first")
	view := files(t, a)
	create(t, b, "iris/v2.0.0/model.binpb", "second")
	create(t, b, "other/v1.0.0/model.binpb", "third")
	for range 2 {
		if got, err := fs.ReadFile(view, model); err != nil || string(got) != "first" {
			t.Errorf("the view has %q, %v", got, err)
		}
	}
	requireFiles(t, a, model, "iris/v2.0.0/model.binpb", "other/v1.0.0/model.binpb")
}

func copies(t *testing.T, a, b registry.Store) {
	data := []byte("first")
	if err := a.Create(t.Context(), rollout, data); err != nil {
		t.Fatal(err)
	}
	copy(data, "XXXXX")
	requireContent(t, b, rollout, "first")
}

func replaces(t *testing.T, a, b registry.Store) {
	stores := []registry.Store{a, b}
	var old []byte
	for i := range 6 {
		next := fmt.Appendf(nil, "content %d", i)
		if err := stores[i%2].Replace(t.Context(), rollout, old, next); err != nil {
			t.Fatal(err)
		}
		requireContent(t, stores[(i+1)%2], rollout, string(next))
		old = next
	}
	requireFiles(t, a, rollout)
}

func replacesNothingElse(t *testing.T, a, b registry.Store) {
	conflict := func(path string, old []byte) {
		t.Helper()
		if err := b.Replace(t.Context(), path, old, []byte("new")); !errors.Is(err, registry.ErrConflict) {
			t.Errorf("error is %v, expected %v", err, registry.ErrConflict)
		}
	}
	conflict(rollout, []byte("there is none"))
	requireFiles(t, a)
	create(t, a, rollout, "content")
	conflict(rollout, nil)
	conflict(rollout, []byte{})
	conflict(rollout, []byte("conten"))
	conflict(rollout, []byte("contenT"))
	conflict(rollout, []byte("content and more"))
	conflict("iris/other.json", []byte("content"))
	requireFiles(t, a, rollout)
	requireContent(t, a, rollout, "content")
}

func infosChange(t *testing.T, a, b registry.Store) {
	stat := func() string {
		t.Helper()
		info, err := fs.Stat(files(t, b), rollout)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(info.Size(), info.ModTime().UnixNano(), info.Sys())
	}
	seen := map[string]int{}
	var old []byte
	for i := range 20 {
		next := fmt.Appendf(nil, "content %02d", i)
		if err := a.Replace(t.Context(), rollout, old, next); err != nil {
			t.Fatal(err)
		}
		old = next
		now := stat()
		if before, again := seen[now]; again {
			t.Fatalf("contents %d and %d have the same info %s", before, i, now)
		}
		seen[now] = i
		if again := stat(); again != now {
			t.Errorf("the info of one content is %s, then %s", now, again)
		}
	}
}

func givesUp(t *testing.T, a, b registry.Store) {
	create(t, a, rollout, "{}")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Files(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Files: error is %v", err)
	}
	if err := b.Create(ctx, model, []byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("Create: error is %v", err)
	}
	if err := b.Replace(ctx, rollout, []byte("{}"), []byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("Replace: error is %v", err)
	}
	requireFiles(t, a, rollout)
	requireContent(t, a, rollout, "{}")
}

// atOnce runs n writers, half of them with each store, as close to each other as can be. It returns
// which succeeded; the errors of the others must be of the kind expected.
func atOnce(t *testing.T, n int, a, b registry.Store, expected error, write func(s registry.Store, i int) error) []int {
	t.Helper()
	start := make(chan struct{})
	won := make([]bool, n)
	var writers sync.WaitGroup
	for i := range n {
		s := a
		if i%2 == 1 {
			s = b
		}
		writers.Go(func() {
			<-start
			err := write(s, i)
			won[i] = err == nil
			if err != nil && !errors.Is(err, expected) {
				t.Errorf("writer %d: error is %v, expected %v", i, err, expected)
			}
		})
	}
	close(start)
	writers.Wait()
	var winners []int
	for i, w := range won {
		if w {
			winners = append(winners, i)
		}
	}
	return winners
}

func oneCreates(t *testing.T, a, b registry.Store) {
	content := func(i int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%04d", i), 4096) }
	for round := range 4 {
		path := fmt.Sprintf("iris/v%d.0.0/model.binpb", round)
		winners := atOnce(t, 32, a, b, fs.ErrExist, func(s registry.Store, i int) error {
			return s.Create(t.Context(), path, content(i))
		})
		if len(winners) != 1 {
			t.Fatalf("writers %v succeeded, expected one", winners)
		}
		requireContent(t, b, path, string(content(winners[0])))
	}
}

func oneReplaces(t *testing.T, a, b registry.Store, writers int) {
	var old []byte
	for round := range 50 {
		content := func(i int) []byte { return fmt.Appendf(nil, "round %d, writer %d", round, i) }
		winners := atOnce(t, writers, a, b, registry.ErrConflict, func(s registry.Store, i int) error {
			return s.Replace(t.Context(), rollout, old, content(i))
		})
		if len(winners) != 1 {
			t.Fatalf("round %d: writers %v succeeded, expected one", round, winners)
		}
		old = content(winners[0])
		requireContent(t, a, rollout, string(old))
	}
	requireFiles(t, b, rollout)
}

func versionsAtOnce(t *testing.T, a, b registry.Store) {
	path := func(i int) string { return fmt.Sprintf("iris/v%02d.0.0/model.binpb", i) }
	const versions = 16
	winners := atOnce(t, versions, a, b, nil, func(s registry.Store, i int) error {
		return s.Create(t.Context(), path(i), []byte(path(i)))
	})
	if len(winners) != versions {
		t.Errorf("only %v succeeded, which do not contend", winners)
	}
	var all []string
	for i := range versions {
		all = append(all, path(i))
		requireContent(t, b, path(i), path(i))
	}
	requireFiles(t, a, all...)
}

// counts has writers add to a number, each anew after a conflict.
func counts(t *testing.T, a, b registry.Store) {
	create(t, a, rollout, "0")
	const writers, each = 4, 10
	atOnce(t, writers, a, b, nil, func(s registry.Store, _ int) error {
		for done := 0; done < each; {
			err := increment(t.Context(), s)
			switch {
			case err == nil:
				done++
			case !errors.Is(err, registry.ErrConflict):
				return err
			}
		}
		return nil
	})
	requireContent(t, b, rollout, fmt.Sprint(writers*each))
}

func increment(ctx context.Context, s registry.Store) error {
	view, err := s.Files(ctx)
	if err != nil {
		return err
	}
	old, err := fs.ReadFile(view, rollout)
	if err != nil {
		return err
	}
	var n int
	if _, err := fmt.Sscan(string(old), &n); err != nil {
		return err
	}
	return s.Replace(ctx, rollout, old, fmt.Append(nil, n+1))
}

func create(t *testing.T, s registry.Store, path, content string) {
	t.Helper()
	if err := s.Create(t.Context(), path, []byte(content)); err != nil {
		t.Fatalf("create %s: %v", path, err)
	}
}

func files(t *testing.T, s registry.Store) fs.FS {
	t.Helper()
	view, err := s.Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return view
}

// requireFiles checks which files there are; they are given in the order of their paths.
func requireFiles(t *testing.T, s registry.Store, want ...string) {
	t.Helper()
	var got []string
	err := fs.WalkDir(files(t, s), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			got = append(got, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-expected +got):\n%s", diff)
	}
}

func requireContent(t *testing.T, s registry.Store, path, want string) {
	t.Helper()
	got, err := fs.ReadFile(files(t, s), path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s holds %.60q (%d bytes), expected %.60q (%d bytes)", path, got, len(got), want, len(want))
	}
}
