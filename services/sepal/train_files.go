package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sepal-ml/sepal/services/internal/atomicfile"
)

// trainFile is a file and what names it.
type trainFile struct{ flag, path string }

// outputs returns the files that are written.
func (c *trainCmd) outputs() []trainFile {
	return withPath(trainFile{"--output", c.Output}, trainFile{"--report", c.Report}, trainFile{"--write-schema", c.WriteSchema})
}

// inputs returns the files that are read.
func (c *trainCmd) inputs() []trainFile {
	return withPath(trainFile{"the data", strings.TrimPrefix(c.Data, "sqlite:")}, trainFile{"--labels", c.Labels}, trainFile{"--schema", c.Schema})
}

// withPath returns the files that have a path.
func withPath(files ...trainFile) []trainFile {
	all := files[:0]
	for _, file := range files {
		if file.path != "" {
			all = append(all, file)
		}
	}
	return all
}

// checkOutputs refuses one file for two things. A schema may take the place of that which was read.
func (c *trainCmd) checkOutputs() error {
	outputs := c.outputs()
	for i, out := range outputs {
		for _, other := range append(c.inputs(), outputs[:i]...) {
			if out.same(other) && (out.flag != "--write-schema" || other.flag != "--schema") {
				return fmt.Errorf("%s and %s are both %s, expected two files", other.flag, out.flag, out.path)
			}
		}
	}
	return nil
}

// same reports whether two paths lead to one file, be it there or not.
func (f trainFile) same(other trainFile) bool {
	if filepath.Clean(f.path) == filepath.Clean(other.path) {
		return true
	}
	a, err := os.Stat(f.path)
	if err != nil {
		return false
	}
	b, err := os.Stat(other.path)
	return err == nil && os.SameFile(a, b)
}

// check returns the error of writing the file, if that is known.
func (f trainFile) check() error {
	if info, err := os.Stat(f.path); err == nil && info.IsDir() {
		return fmt.Errorf("%s: %s is a folder, expected a file", f.flag, f.path)
	}
	return atomicfile.Check(f.path)
}
