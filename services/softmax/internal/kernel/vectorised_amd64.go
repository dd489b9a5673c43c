//go:build !purego

package kernel

import "golang.org/x/sys/cpu"

// vectorised reports whether the assembly runs here.
func vectorised() bool { return cpu.X86.HasAVX2 && cpu.X86.HasFMA }
