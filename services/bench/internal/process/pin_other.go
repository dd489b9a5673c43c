//go:build !linux

package process

import (
	"errors"
	"fmt"
	"runtime"
)

// CPUs fails: only Linux tells and sets on which processors a process runs.
func CPUs() ([]int, error) {
	return nil, fmt.Errorf("the benchmark needs Linux, and this is %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

// Confine fails as CPUs does.
func Confine([]int) error {
	_, err := CPUs()
	return err
}

func startOn(_ int, start func() error) error { return start() }
