package process

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// CPUs returns the processors that this process may use.
func CPUs() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("sched_getaffinity: %w", err)
	}
	var cpus []int
	for cpu := range len(set) * 64 {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus, nil
}

// Confine leaves this process only these processors. Each thread has a set of its own, which it
// hands on to those that it starts.
func Confine(cpus []int) error {
	set := setOf(cpus)
	// A thread that was started meanwhile may have the old set: until none is, look again.
	for done := map[int]bool{}; ; {
		tasks, err := filepath.Glob("/proc/self/task/*")
		if err != nil {
			return err
		}
		fresh := false
		for _, task := range tasks {
			id, err := strconv.Atoi(filepath.Base(task))
			if err != nil || done[id] {
				continue
			}
			fresh, done[id] = true, true
			if err := unix.SchedSetaffinity(id, &set); err != nil {
				if _, gone := os.Stat(task); gone != nil {
					continue // the thread has ended
				}
				return fmt.Errorf("sched_setaffinity: %w", err)
			}
		}
		if !fresh {
			return nil
		}
	}
}

// startOn calls start, which starts a process, on a thread that may use one processor only: the
// process has the same.
func startOn(cpu int, start func() error) error {
	if cpu < 0 {
		return start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("sched_getaffinity: %w", err)
	}
	one := setOf([]int{cpu})
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("sched_setaffinity: %w", err)
	}
	err := start()
	if restored := unix.SchedSetaffinity(0, &before); err == nil {
		err = restored
	}
	return err
}

func setOf(cpus []int) unix.CPUSet {
	var set unix.CPUSet
	for _, cpu := range cpus {
		set.Set(cpu)
	}
	return set
}
