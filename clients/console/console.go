// Package console holds the web page that tries a model in the browser, shows which versions
// answer, and what the server is doing, as it was built by Vite into dist. It holds files only:
// serving them, with headers and caching, is for the server. The files never change while the
// process runs; any number of goroutines may read them.
package console

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// FS returns the files of the page: index.html and favicon.svg, and under assets/ the scripts
// and style sheets that index.html names, and the scripts that those load later. The names under
// assets/ hold a digest of the content, so a file there may be cached for ever; the other files
// may not.
func FS() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("console: " + err.Error()) // "dist" is a valid path.
	}
	return files
}
