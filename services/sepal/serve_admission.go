package main

import (
	"fmt"
	"time"

	"github.com/sepal-ml/sepal/services/server"
)

// admissionFlags are the flags of serve that say what an overloaded server does.
type admissionFlags struct {
	MaxInFlight  int           `env:"SEPAL_MAX_IN_FLIGHT" default:"0" help:"How much of predictions is worked on at the same time, the rest waiting: each request counts as 1 and so does every 2 KiB of it, some 64 rows; 0 is 64 for each processor."`
	MaxQueueTime time.Duration `env:"SEPAL_MAX_QUEUE_TIME" default:"${max_queue_time}" help:"How long a prediction may wait for its turn while the server is overloaded, and no longer than two fifths of the time that clients give, but 40ms; what would wait longer is refused. 0s is as long as its deadline."`
}

// check returns what is wrong with the flags.
func (f *admissionFlags) check() error {
	switch {
	case f.MaxInFlight < 0:
		return fmt.Errorf("--max-in-flight is %d, expected 0 (automatic) or more", f.MaxInFlight)
	case f.MaxQueueTime < 0:
		return fmt.Errorf("--max-queue-time is %v, expected 0s (as long as the deadline) or more", f.MaxQueueTime)
	}
	return nil
}

// set sets the options of a server. There is nothing wrong with the flags.
func (f *admissionFlags) set(o *server.Options) {
	o.MaxInFlight, o.MaxQueueTime = f.MaxInFlight, f.MaxQueueTime
}
