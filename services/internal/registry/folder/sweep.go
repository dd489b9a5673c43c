package folder

import (
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// abandoned is how old a temporary file is that nobody is writing any more.
const abandoned = time.Hour

var temporaryName = regexp.MustCompile(`^\..+\.\d+\.tmp$`)

// sweep removes what killed writers left in the folders on the way to a file. What cannot be
// removed, or not now, is no hindrance: it is hidden.
func (s *store) sweep(name string) {
	for folder := filepath.Dir(name); ; folder = filepath.Dir(folder) {
		entries, _ := os.ReadDir(filepath.Join(s.root, folder))
		for _, e := range entries {
			if !temporaryName.MatchString(e.Name()) {
				continue
			}
			if stat, err := e.Info(); err == nil && time.Since(stat.ModTime()) > abandoned {
				_ = os.RemoveAll(filepath.Join(s.root, folder, e.Name()))
			}
		}
		if folder == "." {
			return
		}
	}
}
