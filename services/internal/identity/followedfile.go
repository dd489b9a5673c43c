package identity

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/rs/zerolog"

	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/registry/folder"
)

// maxFile is how large a file of principals or keys may be, in bytes.
const maxFile = 1 << 20

// followedFile is a small file that is read again when its content changes. What take refuses
// changes nothing: what it took before goes on to count.
type followedFile struct {
	path   string
	logger zerolog.Logger
	take   func(data []byte) error
	// emptied is called when the content that take refused with errNobody has stayed for so long
	// that nobody can be about to write the rest of it. Nil: such content is refused as any other.
	emptied func()

	seen   hash      // of the content that take saw last
	failed string    // why it could not be read, as it was logged; empty: it could
	nobody time.Time // when take refused it with errNobody; zero: it did not, or emptied was called
}

// errNobody is what take refuses a file with that is well, and names nobody.
var errNobody = errors.New("there is no principal in it; make one with `sepal token new`")

// start reads the file for the first time.
func (f *followedFile) start() error {
	data, err := readFile(f.path)
	if err != nil {
		return err
	}
	f.seen = sha256.Sum256(data)
	if err := f.take(data); err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	return nil
}

// follow looks at the file until ctx ends: when the system tells of a change, and from time to time,
// since some file systems tell nothing. A file is small, so its content tells whether it changed, not
// its time, which may stand still.
func (f *followedFile) follow(ctx context.Context, t timing) {
	changed := make(chan struct{}, 1)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if !t.deaf {
			f.watch(ctx, changed)
		}
	}()
	defer func() { <-watched }()
	ticker := time.NewTicker(t.poll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-changed:
			// An editor may empty a file before it writes it.
			if !pause(ctx, t.settle) {
				return
			}
		}
		f.again(t.emptied)
	}
}

// watch sends word of changes that the system tells, through all links that lead to the file.
func (f *followedFile) watch(ctx context.Context, changed chan<- struct{}) {
	store, err := folder.File(f.path)
	if err == nil {
		watcher, ok := store.(registry.Watcher)
		if !ok {
			return
		}
		err = watcher.Watch(ctx, func() {
			select {
			case changed <- struct{}{}:
			default: // one is on its way
			}
		})
	}
	if err != nil && ctx.Err() == nil {
		f.logger.Debug().Err(err).Str("file", f.path).Msg("the file is looked at from time to time only")
	}
}

// again reads the file once more, and logs what came of it if that is new. What names nobody counts
// when it has stayed so for the time given: an editor may empty a file before it writes it.
func (f *followedFile) again(emptied time.Duration) {
	data, err := readFile(f.path)
	if err != nil {
		if f.failed != err.Error() {
			f.failed = err.Error()
			f.logger.Warn().Err(err).Msg("a file of identities cannot be read; what it held before counts")
		}
		return
	}
	f.failed = ""
	sum := sha256.Sum256(data)
	if sum == f.seen {
		if f.emptied != nil && !f.nobody.IsZero() && time.Since(f.nobody) >= emptied {
			f.nobody = time.Time{}
			f.emptied()
		}
		return
	}
	f.seen, f.nobody = sum, time.Time{}
	if err := f.take(data); err != nil {
		if errors.Is(err, errNobody) {
			f.nobody = time.Now()
		}
		f.logger.Error().Err(fmt.Errorf("%s: %w", f.path, err)).Msg("a file of identities was changed and is refused; what it held before counts")
	}
}

// readFile reads a file of bounded size. The error names it.
func readFile(path string) ([]byte, error) {
	// Before it is opened: the opening of a named pipe waits for somebody to write, for ever maybe.
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, named(path, err)
	case info.IsDir():
		return nil, fmt.Errorf("%s: is a folder, expected a file", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: is no regular file, which could be read again; write one", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, named(path, err)
	}
	defer func() { _ = f.Close() }() // Nothing was written that it could lose.
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, named(path, err)
	case len(data) > maxFile:
		return nil, fmt.Errorf("%s: has more than %d bytes, the most that is read", path, maxFile)
	}
	return data, nil
}

// named returns an error of the file system as path: what.
func named(path string, err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		err = e.Err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// pause waits, and reports whether ctx still lasts.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
