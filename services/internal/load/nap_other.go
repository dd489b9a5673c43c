//go:build !linux

package load

import "time"

// nap waits for a time of up to a few milliseconds.
func nap(d time.Duration) { time.Sleep(d) }
