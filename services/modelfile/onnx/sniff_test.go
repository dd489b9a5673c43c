package onnx

import (
	"path/filepath"
	"slices"
	"testing"
)

func TestSniff(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(elsewhere + "*.onnx")
	if err != nil || len(paths) == 0 {
		t.Fatal("no files", err)
	}
	for _, path := range paths {
		data := readFile(t, filepath.Base(path))
		if !Sniff(data) || !Sniff(data[:len(data)/2]) {
			t.Errorf("%s is not taken for ONNX, whole or cut to a half", path)
		}
	}
	for name, data := range map[string][]byte{
		"nothing":               nil,
		"a pickle":              []byte("\x80\x04\x95\x00\x00"),
		"JSON":                  []byte(`{"format": 1}`),
		"gzip":                  {0x1f, 0x8b, 8, 0},
		"zlib":                  {0x78, 0x9c, 1},
		"no graph":              num(1, 7),
		"version as text":       slices.Concat(str(1, "7"), msg(7)),
		"graph, no version":     msg(7),
		"version 0":             slices.Concat(num(1, 0), msg(7)),
		"a field of no model":   slices.Concat(num(1, 7), num(9, 1), msg(7)),
		"graph, then something": slices.Concat(msg(7), num(9, 1)),
	} {
		if Sniff(data) {
			t.Errorf("%s is taken for ONNX", name)
		}
	}
	if !Sniff(slices.Concat(msg(7), num(1, 7))) {
		t.Error("a graph before the version is not taken for ONNX")
	}
}
