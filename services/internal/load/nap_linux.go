package load

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// nap waits for a time of up to a few milliseconds and is late by microseconds: the runtime's
// timers are late by up to a millisecond while the process is idle. With a single processor it
// leaves waiting to the runtime, which could not take answers in during a system call.
func nap(d time.Duration) {
	if runtime.GOMAXPROCS(0) == 1 {
		time.Sleep(d)
		return
	}
	// The kernel adds up to 50 µs of slack to the sleep of a thread that does not ask for less.
	// Where that fails, or a signal cuts the sleep short, the caller looks at the clock anyway.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	t := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&t, nil)
}
