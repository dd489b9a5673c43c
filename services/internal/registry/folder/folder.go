// Package folder keeps the files of a registry as plain files in a folder, or shows a single one.
//
// Names that begin with a dot are hidden: what the store itself has in the folder has such names,
// and so have the folders that Kubernetes mounts configuration with. Symbolic links are followed.
//
// Any number of processes may use a folder at once, and may be killed at any time: see [Open].
package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sepal-ml/sepal/services/internal/registry"
)

// What to do, for whoever gave the path.
const remedy = "expected the path of one (MODEL_PATH), or none for the built-in iris model"

// store is a folder of any depth.
type store struct {
	root string
	link linker
}

// Open returns the store of the files in a folder. It is a [registry.Watcher] too.
//
// A file that it creates appears whole, and together with those of its folders that were not
// there: a folder that it makes is never seen empty. New files and folders have the permissions of
// the folder that they are put into; a file that is replaced keeps its own. What a killed process
// left behind is hidden, and removed by one that writes there an hour later or more.
//
// Replace relies on an advisory lock, the hidden file ".lock" beside the file, which the system
// gives back when a process dies. Whoever writes to the folder by other means does not heed it:
// what such a one writes in the very moment of a Replace may be lost. The same goes for Create on
// a file system without hard links.
func Open(path string) (registry.Store, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, notOpened(path, err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s: is a file, not a registry folder; %s", path, remedy)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, notOpened(path, err)
	}
	return &store{root: path, link: hardLink}, f.Close()
}

func notOpened(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: no such model file or registry folder; %s", path, remedy)
	}
	return fmt.Errorf("%s: the model file or registry folder cannot be read: %w; %s", path, bare(err), remedy)
}

// String returns the path.
func (s *store) String() string { return s.root }

// Files shows the folder as it is at each moment.
func (s *store) Files(ctx context.Context) (fs.FS, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	info, err := os.Stat(s.root)
	if err != nil {
		return nil, fmt.Errorf("the folder cannot be read: %w", bare(err))
	}
	if !info.IsDir() {
		return nil, errors.New("is a folder no longer, but a file")
	}
	return view{root: s.root}, nil
}

// local returns where in the file system the file at a path stands.
func (s *store) local(path string) (string, error) {
	name, err := filepath.Localize(path) //nolint:misspell // A name that others gave.
	if err != nil || path == "." || hidden(path) {
		return "", fmt.Errorf("no file can be called so: %w", fs.ErrInvalid)
	}
	return name, nil
}

// hidden tells whether a slash-separated path leads through a name that begins with a dot.
func hidden(path string) bool {
	return path != "." && (strings.HasPrefix(path, ".") || strings.Contains(path, "/."))
}

// bare returns what is wrong without the path that it is wrong with.
func bare(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}
