package folder

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"io/fs"
)

// lockName is what the file in a folder is called that writers hold locked. It stays: one who
// removed it would take it from under those who wait for it.
const lockName = ".lock"

// lock waits until nobody else, in this process or another, holds the lock of the folder. The
// system gives the lock back when the process dies.
func lock(ctx context.Context, folder string, perm fs.FileMode) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(folder, lockName), os.O_CREATE|os.O_RDWR, perm)
	if err != nil {
		return nil, err
	}
	// Its closing gives the lock back; nothing was written that it could lose.
	unlock = func() { _ = f.Close() }
	const shortest, longest = time.Millisecond, 32 * time.Millisecond
	for wait := shortest; ; wait = min(2*wait, longest) {
		held, err := tryLock(f)
		if held && err == nil {
			return unlock, nil
		}
		if err == nil {
			err = sleep(ctx, wait)
		}
		if err != nil {
			unlock()
			return nil, err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
