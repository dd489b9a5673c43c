//go:build unix

package server

import "golang.org/x/sys/unix"

// spareDescriptors are those that are left for files, and for connections that the server makes.
const spareDescriptors = 128

// connectionRoom returns how many connections the process may have open, or 0 where nobody knows.
func connectionRoom() int64 {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	const most = 1 << 30
	all := int64(min(uint64(limit.Cur), most)) //nolint:unconvert // it is signed on some systems
	return max(all-spareDescriptors, all/2, 1)
}
