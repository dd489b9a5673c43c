package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestPredictProgress(t *testing.T) {
	t.Parallel()
	var shown bytes.Buffer
	p := &process{stderr: &shown, stdout: new(bytes.Buffer), terminal: true}
	progress, in := newPredictProgress(p, strings.NewReader("0123456789"))
	now := time.Unix(1_000, 0)
	progress.start, progress.now, progress.size = now, func() time.Time { return now }, 10
	if _, err := in.Read(make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Second)
	progress.show(25_000, 0)
	progress.show(26_000, 0) // too soon
	now = now.Add(2 * time.Second)
	progress.show(100_000, 3)
	progress.clear()
	want := eraseLine + "25,000 rows  40 %  12,500/s" + eraseLine + "100,000 rows  40 %  25,000/s  3 failed" + eraseLine
	if got := shown.String(); got != want {
		t.Errorf("shown is %q, expected %q", got, want)
	}
}

func TestPredictProgressIsForTerminals(t *testing.T) {
	t.Parallel()
	in := strings.NewReader("x")
	progress, r := newPredictProgress(&process{stdout: new(bytes.Buffer)}, in)
	if progress != nil || r != in {
		t.Error("there is progress, though nobody would see it")
	}
	progress.show(1, 0)
	progress.clear()
}
