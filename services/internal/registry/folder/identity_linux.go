package folder

import (
	"fmt"
	"io/fs"
	"syscall"
)

// identity changes when another file takes the place of one, even one of the same size and time,
// and when a file is changed in place by somebody who puts its time back.
func identity(i fs.FileInfo) string {
	stat, ok := i.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d-%d-%d.%09d", stat.Dev, stat.Ino, stat.Ctim.Sec, stat.Ctim.Nsec)
}
