//go:build !linux

package server

import "errors"

// arrivedOn fails: only Linux tells.
func arrivedOn(int) (unread, arrived uint64, err error) { return 0, 0, errors.ErrUnsupported }
