package main

import (
	"os"
	"runtime"
)

// fewThreads is how many threads share few processors.
const fewThreads = 4

// shareProcessors returns how many processors there are, and has the runtime use some more threads
// where they are few: requests that take long then have a processor for as long as the kernel lets
// them, which is a millisecond or three, and not for as long as the Go scheduler does, which is ten. So
// small requests are answered in time beside large ones. GOMAXPROCS in the environment stands.
func shareProcessors() (processors int) {
	processors = runtime.GOMAXPROCS(0)
	if processors < fewThreads && os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(fewThreads)
	}
	return processors
}
