package registry

import (
	"errors"
	"io/fs"
	"time"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/softmax"
)

// Version is one version of a model, loaded and checked.
type Version struct {
	// Model and Version are its names, such as "iris" and "v1.0.0".
	Model, Version string
	// Digest is the SHA-256 digest of the model file, in lower-case hexadecimal.
	Digest string
	// Compiled is the model, ready to predict.
	Compiled *softmax.Model
	// File is the message that the file holds. It must not be changed.
	File *modelv1.Model
	// Size is that of the file, in bytes.
	Size int64
	// Modified is when the file was written; zero where the store does not say.
	Modified time.Time
	// Problem is what is wrong with the file by now: it is gone, or holds something else. The
	// version serves on as it was loaded. Empty: nothing.
	Problem string

	path string
	mark mark
}

// BrokenVersion is a version that could not be loaded.
type BrokenVersion struct {
	Model, Version string
	// Err says why.
	Err error

	path string
	mark mark
}

// mark tells whether a file is still the one that was read.
type mark struct {
	size     int64
	modified time.Time
	tag      string
}

func markOf(files fs.FS, path string) (mark, error) {
	info, err := fs.Stat(files, path)
	if err != nil {
		return mark{}, err
	}
	tag, _ := info.Sys().(string) // what a bucket says of the content
	return mark{size: info.Size(), modified: info.ModTime(), tag: tag}, nil
}

// withProblem returns the version with a problem; the same one if it has that already.
func (v *Version) withProblem(problem string) *Version {
	if v.Problem == problem {
		return v
	}
	changed := *v
	changed.Problem = problem
	return &changed
}

// unreadable is the error of a file that cannot be read, without its name.
func unreadable(err error) error {
	var named *fs.PathError
	if errors.As(err, &named) {
		err = named.Err
	}
	return &unreadableError{err}
}

type unreadableError struct{ err error }

func (e *unreadableError) Error() string { return "cannot be read: " + e.err.Error() }

func (e *unreadableError) Unwrap() error { return e.err }
