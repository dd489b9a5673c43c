package kernel_test

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// guarded returns n values behind and before which nothing may be touched: the last one ends
// where a page that cannot be read begins.
func guarded(t testing.TB, n int) []float64 {
	t.Helper()
	if n == 0 {
		return nil
	}
	page := unix.Getpagesize()
	size := (8*n + page - 1) / page * page
	memory, err := unix.Mmap(-1, 0, size+2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(memory); err != nil {
			t.Error(err)
		}
	})
	for _, guard := range [][]byte{memory[:page], memory[page+size:]} {
		if err := unix.Mprotect(guard, unix.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return unsafe.Slice((*float64)(unsafe.Pointer(&memory[page+size-8*n])), n)
}

func guarded32(t testing.TB, n int) []float32 {
	t.Helper()
	if n == 0 {
		return nil
	}
	values := guarded(t, (n+1)/2)
	return unsafe.Slice((*float32)(unsafe.Pointer(&values[0])), 2*len(values))[n%2:]
}
