package registry

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/sepal-ml/sepal/services/internal/crash"
)

// turn is a lock that nobody waits for any longer than a context lasts.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (t turn) give() { <-t }

// await calls f, and returns without it when ctx ends first: a folder of a file system that has
// gone away keeps whoever asks for it waiting, whatever a context says. What f answers then is
// dropped. A panic of f is returned as a [*crash.PanicError].
func await[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		var a answer
		if panicked := crash.Contain(func() { a.value, a.err = f() }); panicked != nil {
			a.err = panicked
		}
		answered <- a
	}()
	select {
	case a := <-answered:
		return a.value, a.err
	case <-ctx.Done():
	}
	select {
	case a := <-answered: // which says more
		return a.value, a.err
	default:
		var none T
		return none, context.Cause(ctx)
	}
}

// done is [await] for what answers nothing but an error. Where ctx ends first, it may be done all the
// same.
func done(ctx context.Context, f func() error) error {
	_, err := await(ctx, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// waitError is the error of a change that waited in vain for another one.
func (l *Live) waitError(err error) error {
	return &StoreError{Place: l.Place(), Err: fmt.Errorf("another change is being written: %w", err)}
}

// silence is how long a store may give no sign of life while it is read. It is longer than a bucket
// takes to say so itself.
const silence = 45 * time.Second

// silentError is the cause of a context's end by a store that gives no sign of life.
type silentError struct{ after time.Duration }

func (e *silentError) Error() string { return fmt.Sprintf("no answer within %v", e.after) }

// Is makes it a [context.DeadlineExceeded].
func (e *silentError) Is(target error) bool { return target == context.DeadlineExceeded }

// watched returns a context that ends with parent, or when alive was not called for as long as a
// store may be silent.
func (l *Live) watched(parent context.Context) (ctx context.Context, alive, stop func()) {
	patience := l.options.Patience
	ctx, cancel := context.WithCancelCause(parent)
	timer := time.AfterFunc(patience, func() { cancel(&silentError{patience}) })
	return ctx, func() { timer.Reset(patience) }, func() { timer.Stop(); cancel(nil) }
}

// audible is a view that tells when it answers.
type audible struct {
	fs.FS
	alive func()
}

var (
	_ fs.ReadDirFS = audible{}
	_ fs.StatFS    = audible{}
)

// Open implements [fs.FS].
func (a audible) Open(name string) (fs.File, error) {
	defer a.alive()
	f, err := a.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return audibleFile{f, a.alive}, nil
}

// Stat implements [fs.StatFS].
func (a audible) Stat(name string) (fs.FileInfo, error) {
	defer a.alive()
	return fs.Stat(a.FS, name)
}

// ReadDir implements [fs.ReadDirFS].
func (a audible) ReadDir(name string) ([]fs.DirEntry, error) {
	defer a.alive()
	return fs.ReadDir(a.FS, name)
}

type audibleFile struct {
	fs.File
	alive func()
}

func (f audibleFile) Read(p []byte) (int, error) {
	defer f.alive()
	return f.File.Read(p)
}
