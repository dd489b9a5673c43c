package certs

import "time"

// OpenAt is Open with a clock.
func OpenAt(o Options, now func() time.Time) (*Store, error) { return open(o, now) }
