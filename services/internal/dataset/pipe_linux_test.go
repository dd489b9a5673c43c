package dataset

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func pipeOf(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe.csv")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAPipeIsRead(t *testing.T) {
	t.Parallel()
	path := pipeOf(t)
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(path, []byte("x,y\n1,a\n2,b\n"), 0o600) }()
	if table := mustLoad(t, Source{Path: path}, Options{Label: "y"}); table.Len() != 2 {
		t.Errorf("got %d rows, expected 2", table.Len())
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}

func TestAPipeThatNobodyWritesToEndsWithTheContext(t *testing.T) {
	t.Parallel()
	path := pipeOf(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := Load(ctx, Source{Path: path}, Options{Label: "y"})
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, expected that of the context", err)
	}
}

func TestAPipeThatGivesNothingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	path := pipeOf(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := Load(ctx, Source{Path: path}, Options{Label: "y"})
		ended <- err
	}()
	writer, err := os.OpenFile(path, os.O_WRONLY, 0) // waits for the reader
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	if _, err := writer.WriteString("x,y\n1,a\n"); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, expected that of the context", err)
	}
}
