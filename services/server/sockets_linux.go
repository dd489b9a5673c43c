package server

import "golang.org/x/sys/unix"

// arrivedOn returns how many bytes lie in a socket unread, and how many have ever arrived on it.
func arrivedOn(fd int) (unread, arrived uint64, err error) {
	n, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	if err != nil {
		return 0, 0, err
	}
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0, 0, err
	}
	return uint64(max(n, 0)), info.Bytes_received, nil
}
