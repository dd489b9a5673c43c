package folder

import (
	"io"
	"io/fs"
	"os"
	"path"
)

// view is a folder, or a single file of it where only is its name. Unlike [os.DirFS], it passes
// over hidden names, and its infos differ where contents do.
type view struct{ root, only string }

var (
	_ fs.ReadDirFS = view{}
	_ fs.StatFS    = view{}
)

// shows tells whether a valid path is in the view.
func (v view) shows(name string) bool {
	if v.only != "" {
		return name == "." || name == v.only
	}
	return !hidden(name)
}

func (v view) check(op, name string) error {
	switch {
	case !fs.ValidPath(name):
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	case !v.shows(name):
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return nil
}

// Open implements [fs.FS].
func (v view) Open(name string) (fs.File, error) {
	if err := v.check("open", name); err != nil {
		return nil, err
	}
	f, err := os.DirFS(v.root).Open(name)
	if err != nil {
		return nil, err
	}
	stat, err := f.Stat()
	if err == nil && stat.IsDir() {
		var entries []fs.DirEntry
		if entries, err = v.ReadDir(name); err == nil {
			return &dir{File: file{f}, entries: entries}, nil
		}
	}
	if err != nil {
		_ = f.Close() // The other error is the one to know.
		return nil, err
	}
	return file{f}, nil
}

// Stat implements [fs.StatFS].
func (v view) Stat(name string) (fs.FileInfo, error) {
	if err := v.check("stat", name); err != nil {
		return nil, err
	}
	return identified(fs.Stat(os.DirFS(v.root), name))
}

// ReadDir implements [fs.ReadDirFS].
func (v view) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := v.check("readdir", name); err != nil {
		return nil, err
	}
	if v.only != "" && name == "." {
		// The folder is not listed, which may have any number of files, and be closed to us.
		stat, err := v.Stat(v.only)
		if err != nil {
			return nil, err
		}
		return []fs.DirEntry{fs.FileInfoToDirEntry(stat)}, nil
	}
	entries, err := fs.ReadDir(os.DirFS(v.root), name)
	shown := entries[:0]
	for _, e := range entries {
		if v.shows(path.Join(name, e.Name())) {
			shown = append(shown, entry{e})
		}
	}
	return shown, err
}

// entry is an entry of a folder with our info.
type entry struct{ fs.DirEntry }

func (e entry) Info() (fs.FileInfo, error) { return identified(e.DirEntry.Info()) }

// file is an open file with our info.
type file struct{ fs.File }

func (f file) Stat() (fs.FileInfo, error) { return identified(f.File.Stat()) }

// dir is an open folder. Its entries are those of when it was opened.
type dir struct {
	fs.File
	entries []fs.DirEntry
}

// ReadDir implements [fs.ReadDirFile].
func (d *dir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 || n > len(d.entries) {
		if n > 0 && len(d.entries) == 0 {
			return nil, io.EOF
		}
		n = len(d.entries)
	}
	next := d.entries[:n:n]
	d.entries = d.entries[n:]
	return next, nil
}

// info is an info whose Sys is a string, where the system tells files of one name apart.
type info struct {
	fs.FileInfo
	identity string
}

func identified(i fs.FileInfo, err error) (fs.FileInfo, error) {
	if err != nil {
		return nil, err
	}
	return info{FileInfo: i, identity: identity(i)}, nil
}

// Sys returns the identity, a string.
func (i info) Sys() any { return i.identity }
