package ratelimit

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Limit is how many requests a caller may make in a time. The zero value is no limit.
type Limit struct {
	// Requests in Per is the rate that a caller may keep up, at most ten million a second. It is
	// kept to the nanosecond per request: to half a per cent there, to 0.005 % below a hundred
	// thousand a second.
	Requests float64
	Per      time.Duration
	// Burst is how many may come at once after a while without any, at least 1. 0: as many as
	// Requests says, rounded up.
	Burst float64
}

// units are those of a limit's text.
var units = []struct {
	name string
	per  time.Duration
}{
	{"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}, {"d", 24 * time.Hour},
}

// Parse reads a limit such as "100/m": a number, and s, m, h or d for what it is in, a second, a minute,
// an hour or a day. An empty text is no limit.
func Parse(text string) (Limit, error) {
	if text == "" {
		return Limit{}, nil
	}
	number, unit, found := strings.Cut(text, "/")
	requests, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !found || err != nil {
		return Limit{}, fmt.Errorf("the limit is %q, expected a number of requests and s, m, h or d, such as 100/m", text)
	}
	for _, u := range units {
		if strings.TrimSpace(unit) == u.name {
			l := Limit{Requests: requests, Per: u.per}
			return l, l.Check()
		}
	}
	return Limit{}, fmt.Errorf("the limit %q is per %q, expected s, m, h or d: a second, a minute, an hour or a day", text, strings.TrimSpace(unit))
}

// UnmarshalText is [Parse].
func (l *Limit) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err == nil {
		*l = parsed
	}
	return err
}

// String returns the limit as [Parse] reads it, without the burst.
func (l Limit) String() string {
	if !l.Set() {
		return ""
	}
	number := strconv.FormatFloat(l.Requests, 'f', -1, 64)
	for _, u := range units {
		if u.per == l.Per {
			return number + "/" + u.name
		}
	}
	return number + "/" + l.Per.String()
}

// Set reports whether there is a limit.
func (l Limit) Set() bool { return l != Limit{} }

const mostPerSecond = 10_000_000

// Check returns what is wrong with a limit. There is nothing wrong with none.
func (l Limit) Check() error {
	switch rate := l.Requests / l.Per.Seconds(); {
	case !l.Set():
		return nil
	case l.Per <= 0 || !(l.Requests > 0) || math.IsInf(l.Requests, 1):
		return fmt.Errorf("the limit is %v requests in %v, expected more than 0 in more than 0", l.Requests, l.Per)
	case rate > mostPerSecond:
		return fmt.Errorf("the limit is %v, which is %.0f requests a second, expected at most %d", l, rate, mostPerSecond)
	case l.Burst != 0 && !(l.Burst >= 1 && l.Burst <= math.MaxInt32):
		return fmt.Errorf("the burst is %v, expected at least 1 request and at most %d", l.Burst, math.MaxInt32)
	case l.burst()/rate > mostDebt.Seconds():
		return fmt.Errorf("the burst of %v requests at %v takes more than a year to come back, expected fewer, or a higher limit", l.burst(), l)
	}
	return nil
}

func (l Limit) burst() float64 {
	if l.Burst != 0 {
		return l.Burst
	}
	return math.Ceil(l.Requests)
}
