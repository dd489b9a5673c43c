package registry

import (
	"embed"
	"io/fs"
)

//go:embed builtin
var builtinFiles embed.FS

// builtin is the registry that serves when no other is named: the iris model, trained from
// testdata/datasets/iris.csv by `task model`.
func builtin() fs.FS {
	files, err := fs.Sub(builtinFiles, "builtin")
	if err != nil {
		panic("registry: " + err.Error())
	}
	return files
}
