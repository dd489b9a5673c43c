package bucket

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // Buckets tag what they hold by it; nothing is kept safe with it.
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"gocloud.dev/blob"

	"github.com/sepal-ml/sepal/services/internal/registry"
)

// Files lists the bucket.
func (s *store) Files(ctx context.Context) (fs.FS, error) {
	listing, cancel := s.bounded(ctx)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t := &tree{nodes: map[string]*node{}, read: s.reader(ctx)}
	t.add(".", &node{name: ".", dir: true})
	objects := s.bucket.List(&blob.ListOptions{Prefix: s.prefix})
	for {
		o, err := objects.Next(listing)
		if err == io.EOF { //nolint:errorlint // that of a connection that was lost is wrapped, and no end of the list
			break
		}
		if err != nil {
			return nil, fmt.Errorf("cannot be listed: %w", reason(listing, err))
		}
		if name := strings.TrimPrefix(o.Key, s.prefix); !o.IsDir && shown(name) {
			t.add(name, &node{name: path.Base(name), size: o.Size, time: o.ModTime, tag: tagListed(o)})
		}
	}
	t.sort()
	return t, nil
}

// mostSilent is how many files a bucket may give no answer for until a view asks for no more of
// them: of a bucket that has fallen silent, many versions would take many times as long to say so.
const mostSilent = 3

// reader returns how the tree reads a file.
func (s *store) reader(ctx context.Context) func(name string, n *node) ([]byte, error) {
	var silent atomic.Int32
	return func(name string, n *node) ([]byte, error) {
		ctx, cancel := s.bounded(ctx)
		defer cancel()
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case silent.Load() >= mostSilent:
			return nil, fmt.Errorf("not asked for: of other files, there was %w", timeoutError{s.timeout})
		}
		data, tag, err := s.read(ctx, s.prefix+name, n.size)
		if errors.As(context.Cause(ctx), new(timeoutError)) {
			silent.Add(1)
		}
		switch {
		case gone(err):
			return nil, fs.ErrNotExist
		case err != nil:
			return nil, reason(ctx, err)
		case tag != n.tag || int64(len(data)) != n.size:
			return nil, registry.ErrConflict
		}
		return data, nil
	}
}

// tagListed returns the tag of an object, which changes with its content.
func tagListed(o *blob.ListObject) string {
	var object types.Object
	if o.As(&object) {
		return aws.ToString(object.ETag)
	}
	return hex.EncodeToString(o.MD5)
}

// tagRead returns the same of one that was read.
func tagRead(r *blob.Reader, data []byte) string {
	var object s3.GetObjectOutput
	if r.As(&object) {
		return aws.ToString(object.ETag)
	}
	sum := md5.Sum(data) //nolint:gosec // As above.
	return hex.EncodeToString(sum[:])
}

// tree is what a bucket held when it was listed.
type tree struct {
	nodes map[string]*node // by path
	read  func(name string, n *node) ([]byte, error)
}

var (
	_ fs.ReadDirFS = (*tree)(nil)
	_ fs.StatFS    = (*tree)(nil)
)

// node is a file, or a folder with its entries in the order of their names. It is an
// [fs.FileInfo].
type node struct {
	name    string
	dir     bool
	size    int64
	time    time.Time
	tag     string
	entries []fs.DirEntry
}

// add adds a file, and the folders on the way to it. Where a file is called as a folder is, the
// folder is shown.
func (t *tree) add(name string, n *node) {
	if old := t.nodes[name]; old != nil {
		if n.dir {
			old.dir, old.size, old.tag, old.time = true, 0, "", time.Time{}
		}
		return
	}
	t.nodes[name] = n
	if name == "." {
		return
	}
	parent := path.Dir(name)
	t.add(parent, &node{name: path.Base(parent), dir: true})
	t.nodes[parent].entries = append(t.nodes[parent].entries, fs.FileInfoToDirEntry(n))
}

func (t *tree) sort() {
	for _, n := range t.nodes {
		slices.SortFunc(n.entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
}

func (t *tree) find(op, name string) (*node, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	n := t.nodes[name]
	if n == nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return n, nil
}

// Open implements [fs.FS]. A file is read whole when it is opened.
func (t *tree) Open(name string) (fs.File, error) {
	n, err := t.find("open", name)
	if err != nil {
		return nil, err
	}
	if n.dir {
		return &openDir{node: n, path: name, rest: n.entries}, nil
	}
	data, err := t.read(name, n)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &openFile{Reader: bytes.NewReader(data), node: n}, nil
}

// Stat implements [fs.StatFS].
func (t *tree) Stat(name string) (fs.FileInfo, error) {
	n, err := t.find("stat", name)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// ReadDir implements [fs.ReadDirFS].
func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := t.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if !n.dir {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("is no folder")}
	}
	return slices.Clone(n.entries), nil
}

func (n *node) Name() string       { return n.name }
func (n *node) Size() int64        { return n.size }
func (n *node) ModTime() time.Time { return n.time }
func (n *node) IsDir() bool        { return n.dir }
func (n *node) Sys() any           { return n.tag }

func (n *node) Mode() fs.FileMode {
	if n.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

// openFile is a file that was read.
type openFile struct {
	*bytes.Reader
	node *node
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.node, nil }
func (f *openFile) Close() error               { return nil }

// openDir is a folder that is being listed.
type openDir struct {
	node *node
	path string
	rest []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.node, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.path, Err: errors.New("is a folder")}
}

// ReadDir implements [fs.ReadDirFile].
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(d.rest) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(d.rest) {
		n = len(d.rest)
	}
	next := slices.Clone(d.rest[:n])
	d.rest = d.rest[n:]
	return next, nil
}
