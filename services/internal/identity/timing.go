package identity

import "time"

// timing is how long things take, which tests shorten.
type timing struct {
	now func() time.Time

	poll   time.Duration // between two looks at a file that the system tells nothing of
	deaf   bool          // to what the system tells
	settle time.Duration // from the first sign of a change until the file is read
	// emptied is how long a file must have named nobody for that to count.
	emptied time.Duration

	fetch          time.Duration // the longest that keys may take to be fetched
	cooldown       time.Duration // between two fetches because of unknown keys
	retry          time.Duration // until a failed fetch is tried again, doubled each time
	retryMost      time.Duration
	refresh        time.Duration // between two fetches where the answer does not say
	refreshLeast   time.Duration
	refreshLongest time.Duration
}

func defaultTiming() timing {
	return timing{
		now:            time.Now,
		poll:           5 * time.Second,
		settle:         50 * time.Millisecond,
		emptied:        3 * time.Second,
		fetch:          5 * time.Second,
		cooldown:       10 * time.Second,
		retry:          time.Second,
		retryMost:      time.Minute,
		refresh:        15 * time.Minute,
		refreshLeast:   time.Minute,
		refreshLongest: 24 * time.Hour,
	}
}

func (o Options) times() timing {
	if o.timing != nil {
		return *o.timing
	}
	return defaultTiming()
}

func (o Options) clock() func() time.Time { return o.times().now }
