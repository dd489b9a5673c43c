package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"gocloud.dev/gcerrors"

	"github.com/sepal-ml/sepal/services/internal/registry"
)

// Create implements [registry.Store].
func (s *store) Create(ctx context.Context, path string, data []byte) error {
	err := s.write(ctx, path, nil, data)
	if errors.Is(err, registry.ErrConflict) {
		return fs.ErrExist
	}
	return err
}

// Replace implements [registry.Store].
func (s *store) Replace(ctx context.Context, path string, old, data []byte) error {
	return s.write(ctx, path, old, data)
}

func (s *store) write(ctx context.Context, path string, old, data []byte) error {
	key, err := s.key(path)
	if err != nil {
		return err
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	s.alone.Lock()
	defer s.alone.Unlock()
	// A server may refuse to tell which of two writes at once is first, and wants to be asked again.
	const rounds = 5
	for range rounds {
		err = s.writeOnce(ctx, key, old, data)
		if !undecided(err) {
			break
		}
	}
	switch {
	case err == nil, errors.Is(err, registry.ErrConflict):
		return err
	case kind(err) == gcerrors.FailedPrecondition, undecided(err):
		return registry.ErrConflict
	case kind(err) == gcerrors.PermissionDenied:
		return fmt.Errorf("%w: %w", registry.ErrReadOnly, reason(ctx, err))
	}
	return fmt.Errorf("cannot be written: %w", reason(ctx, err))
}

func (s *store) writeOnce(ctx context.Context, key string, old, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var tag string
	if old != nil {
		now, tagged, err := s.read(ctx, key, int64(len(old)))
		switch {
		case gone(err):
			return registry.ErrConflict
		case err != nil:
			return err
		case !bytes.Equal(now, old):
			return registry.ErrConflict
		}
		tag = tagged
	}
	err := s.replace(ctx, key, tag, data)
	if gone(err) {
		return registry.ErrConflict
	}
	return err
}

// read returns an object, of which it reads at most a byte more than expected, and its tag.
func (s *store) read(ctx context.Context, key string, expected int64) (data []byte, tag string, err error) {
	r, err := s.bucket.NewReader(ctx, key, nil)
	if err != nil {
		return nil, "", err
	}
	data, err = io.ReadAll(io.LimitReader(r, expected+1))
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, "", err
	}
	return data, tagRead(r, data), nil
}
