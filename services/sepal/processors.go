package main

import (
	"os"
	"runtime"
)

// shareProcessor returns how many processors there are, and has the runtime use two threads where
// that is one: a request that takes long then has the processor for as long as the kernel lets it,
// which is a millisecond or three, and not for as long as the Go scheduler does, which is ten. So
// small requests are answered in time beside large ones. GOMAXPROCS in the environment stands.
func shareProcessor() (processors int) {
	processors = runtime.GOMAXPROCS(0)
	if processors == 1 && os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2)
	}
	return processors
}
