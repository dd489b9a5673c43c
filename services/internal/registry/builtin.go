package registry

import (
	"context"
	"embed"
	"io/fs"
)

//go:embed builtin
var builtinFiles embed.FS

// Builtin returns the store that serves when no other is named: the iris model, trained from
// testdata/datasets/iris.csv by `task model`. It cannot be written to.
func Builtin() Store {
	files, err := fs.Sub(builtinFiles, "builtin")
	if err != nil {
		panic("registry: " + err.Error())
	}
	return builtin{files}
}

type builtin struct{ files fs.FS }

func (builtin) String() string { return "built-in" }

func (b builtin) Files(context.Context) (fs.FS, error) { return b.files, nil }

func (builtin) Create(context.Context, string, []byte) error { return ErrReadOnly }

func (builtin) Replace(context.Context, string, []byte, []byte) error { return ErrReadOnly }
