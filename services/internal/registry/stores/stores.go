// Package stores opens the store of a registry from what a user calls it.
package stores

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/registry/bucket"
	"github.com/sepal-ml/sepal/services/internal/registry/folder"
)

const known = "expected the path of a folder or a model file, file:///PATH, s3://BUCKET/PREFIX?region=REGION or mem://NAME (MODEL_PATH)"

// Open returns the store at a location, and whether that is a single model file:
//
//   - empty: the built-in registry
//   - the path of a folder or a file, as it is or as file:///PATH: see package folder
//   - s3://BUCKET/PREFIX?… or mem://NAME: see [bucket.Open]
//
// The error is one line that names the location, without what may be secret in it.
func Open(ctx context.Context, location string) (store registry.Store, single bool, err error) {
	scheme, _, isURL := strings.Cut(location, "://")
	switch {
	case location == "":
		return registry.Builtin(), false, nil
	case !isURL || !isScheme(scheme):
		return openPath(ctx, location)
	case scheme == "file":
		path, err := pathOf(location)
		if err != nil {
			return nil, false, err
		}
		return openPath(ctx, path)
	case scheme == "s3", scheme == "mem":
		store, err = bucket.Open(ctx, location)
		return store, false, err
	default:
		// The rest may hold secrets.
		return nil, false, fmt.Errorf("%s://…: there are no registries of this kind; %s", scheme, known)
	}
}

// patience is how long a file system may take to say whether there is a file.
const patience = 45 * time.Second

// openPath gives up when ctx ends or patience does, though a file system that has gone away keeps
// waiting whoever asks for a file.
func openPath(ctx context.Context, path string) (store registry.Store, single bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no answer within %v", patience))
	defer cancel()
	opened := make(chan func() (registry.Store, bool, error), 1)
	go func() {
		store, single, err := openLocal(path)
		opened <- func() (registry.Store, bool, error) { return store, single, err }
	}()
	select {
	case result := <-opened:
		return result()
	case <-ctx.Done():
		return nil, false, fmt.Errorf("%s: cannot be opened: %w", path, context.Cause(ctx))
	}
}

func openLocal(path string) (store registry.Store, single bool, err error) {
	// What is wrong with the path is said by whichever opens it.
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		store, err = folder.File(path)
		return store, err == nil, err
	}
	store, err = folder.Open(path)
	return store, false, err
}

// pathOf returns the path that a file URL leads to.
func pathOf(location string) (string, error) {
	u, err := url.Parse(location)
	if err != nil || u.Host != "" || u.RawQuery != "" || u.Fragment != "" || !strings.HasPrefix(u.Path, "/") {
		return "", fmt.Errorf("%s: is no URL of a file on this machine; expected file:///PATH", location)
	}
	path := u.Path
	if letter := strings.TrimPrefix(path, "/"); filepath.VolumeName(letter) != "" {
		path = letter // file:///C:/models
	}
	return filepath.FromSlash(path), nil
}

// isScheme tells a scheme from a path that happens to hold "://".
func isScheme(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", r)) {
			return false
		}
	}
	return s != ""
}
