// Package bucket keeps the files of a registry as objects in a bucket: of S3, of a server that
// speaks S3, or of memory.
//
// Names that begin with a dot are hidden, as in a folder. Objects whose keys are no paths of files,
// such as those that end in a slash and stand for folders, are passed over.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"sync"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"
	"gocloud.dev/blob/s3blob"

	"github.com/sepal-ml/sepal/services/internal/registry"
)

// timeout bounds each operation: the listing, the reading of a file, the writing of one.
const timeout = 30 * time.Second

// store is the part of a bucket under a prefix.
type store struct {
	name    string // for people
	bucket  *blob.Bucket
	prefix  string // empty, or ends in a slash
	timeout time.Duration
	// replace writes data in the place of what has the tag, or of nothing where it is empty.
	replace func(ctx context.Context, key, tag string, data []byte) error
	// alone keeps others out while something is read and replaced, where the bucket has no
	// conditional writes.
	alone sync.Locker
}

// Open returns the store of a bucket:
//
//   - s3://BUCKET/PREFIX?region=…&endpoint=…, with the parameters of gocloud.dev/blob/s3blob.
//     Credentials are those of the environment (AWS_ACCESS_KEY_ID and so on), as for every tool of
//     AWS. The server must know conditional writes (If-Match, If-None-Match).
//   - mem://NAME/PREFIX, which is gone with the process. The same name is the same bucket.
//
// The prefix is optional. Nothing is asked of the bucket yet. Every operation ends within 30
// seconds, with an error that wraps [context.DeadlineExceeded] if need be: whether a file was
// written is then open.
//
// A view shows the files of when it was made. It is good for as long as its context; reading a file
// that was replaced since fails with [registry.ErrConflict].
func Open(ctx context.Context, location string) (registry.Store, error) {
	s, err := open(ctx, location, timeout)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func open(ctx context.Context, location string, timeout time.Duration) (*store, error) {
	u, err := url.Parse(location)
	if err != nil {
		// The error of the parser repeats what it parsed, which may hold secrets.
		return nil, errors.New("the URL of the bucket cannot be parsed; expected s3://BUCKET/PREFIX?region=REGION or mem://NAME")
	}
	name := (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	if u.User != nil {
		return nil, fmt.Errorf("%s: credentials do not belong in a URL; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", name)
	}
	if u.Host == "" {
		return nil, fmt.Errorf("%s: names no bucket; expected %s://BUCKET/PREFIX", name, u.Scheme)
	}
	prefix := strings.Trim(u.Path, "/")
	if prefix != "" {
		if !fs.ValidPath(prefix) {
			return nil, fmt.Errorf("%s: the prefix %q is no path", name, prefix)
		}
		prefix += "/"
	}
	s := &store{name: name, prefix: prefix, timeout: timeout, alone: nobody{}}
	switch u.Scheme {
	case memblob.Scheme:
		if u.RawQuery != "" {
			return nil, fmt.Errorf("%s: a bucket of memory has no parameters", name)
		}
		m := memory(u.Host)
		s.bucket, s.alone, s.replace = m.bucket, &m.writing, m.replace
	case s3blob.Scheme:
		ctx, cancel := s.bounded(ctx)
		defer cancel()
		b, err := openS3(ctx, u)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		s.bucket, s.replace = b.bucket, b.replace
	default:
		return nil, fmt.Errorf("%s: is no bucket; expected s3:// or mem://", name)
	}
	return s, nil
}

// String returns the URL without its parameters.
func (s *store) String() string { return s.name }

// bounded gives an operation its time.
func (s *store) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, s.timeout, timeoutError{s.timeout})
}

// key returns the key of the file at a path.
func (s *store) key(path string) (string, error) {
	if !shown(path) {
		return "", fmt.Errorf("no file can be called so: %w", fs.ErrInvalid)
	}
	return s.prefix + path, nil
}

// shown tells whether a path is one of a file, and not hidden.
func shown(path string) bool {
	return path != "." && fs.ValidPath(path) && !strings.HasPrefix(path, ".") && !strings.Contains(path, "/.") && !strings.Contains(path, "\x00")
}

// nobody is a lock that nobody needs.
type nobody struct{}

func (nobody) Lock()   {}
func (nobody) Unlock() {}
