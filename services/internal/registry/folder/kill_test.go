package folder_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/registry/folder"
)

// writerFolder names the folder that this binary is to write to, as a child of a test, until it is
// killed.
const writerFolder = "SEPAL_TEST_WRITER_FOLDER"

func TestMain(m *testing.M) {
	if root := os.Getenv(writerFolder); root != "" {
		if err := writeUntilKilled(root); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		return
	}
	m.Run()
}

// whole returns content that tells whether all of it is there.
func whole(name string) []byte {
	return append(bytes.Repeat([]byte(name+"\n"), 2000), "end"...)
}

func requireWhole(t *testing.T, path string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(string(got), "\n")
	if !bytes.Equal(got, whole(name)) {
		t.Fatalf("%s is not whole: %d bytes", path, len(got))
	}
}

func writeUntilKilled(root string) error {
	s, err := folder.Open(root)
	if err != nil {
		return err
	}
	ctx := context.Background()
	fmt.Fprintln(os.Stdout, "ready")
	for i := 0; ; i++ {
		// Every tenth model is new, and so are its folders.
		model := fmt.Sprintf("m%d-%d", os.Getpid(), i/10)
		for _, name := range []string{"model.binpb", "notes.txt"} {
			path := fmt.Sprintf("%s/v%d.0.0/%s", model, i, name)
			if err := s.Create(ctx, path, whole(path)); err != nil {
				return err
			}
		}
		old, err := os.ReadFile(filepath.Join(root, "iris/rollout.json"))
		if err != nil {
			return err
		}
		if err := s.Replace(ctx, "iris/rollout.json", old, whole(fmt.Sprint(os.Getpid(), i))); err != nil {
			return err
		}
	}
}

func TestKilledWritersLeaveNothingHalfDone(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := open(t, root)
	old := whole("0")
	if err := s.Create(t.Context(), "iris/rollout.json", old); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 20 {
		killWriter(t, root, time.Duration(random.IntN(40_000))*time.Microsecond)
		requireAllWhole(t, root)
		old, err := os.ReadFile(filepath.Join(root, "iris/rollout.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Replace(t.Context(), "iris/rollout.json", old, whole(fmt.Sprint("parent", round))); err != nil {
			t.Fatal(err)
		}
		if err := s.Create(t.Context(), fmt.Sprintf("iris/v%d.0.0/model.binpb", round), whole("parent")); err != nil {
			t.Fatal(err)
		}
	}
}

// killWriter starts a writer and kills it after a while.
func killWriter(t *testing.T, root string, after time.Duration) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	writer := exec.CommandContext(t.Context(), self)
	writer.Env = append(os.Environ(), writerFolder+"="+root)
	writer.Stderr = &said
	out, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Errorf("the writer does not start: %v", err)
	}
	time.Sleep(after)
	if err := writer.Process.Kill(); err != nil {
		t.Error(err)
	}
	var exit *exec.ExitError
	if err := writer.Wait(); !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("the writer ended by itself: %v: %s", err, &said)
	}
}

// requireAllWhole checks what is not hidden: no file is cut off, and no folder is empty.
func requireAllWhole(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != root && strings.HasPrefix(d.Name(), ".") && d.IsDir():
			return fs.SkipDir
		case strings.HasPrefix(d.Name(), "."):
		case !d.IsDir():
			requireWhole(t, path)
		default:
			requireFilled(t, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func requireFilled(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			return
		}
	}
	t.Errorf("folder %s is empty", path)
}
