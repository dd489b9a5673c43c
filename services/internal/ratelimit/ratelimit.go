// Package ratelimit says whether a caller has asked too often.
//
// A [Limiter] has a token bucket for each caller: it is full at first, holds as many requests as may
// come at once, and fills up at the rate of the limit. What it keeps of a caller is one number: when the
// bucket would be full again (the theoretical arrival time of the generic cell rate algorithm). A
// bucket that is full holds nothing worth keeping, so its place is free.
//
// The buckets stand in a table of a fixed size, 31 MB, whoever and however many call: room for 1.9
// million buckets that are not full. Where the few places for a caller's bucket are all taken, the one
// that is closest to full is forgotten. Its caller begins with a full one, so what that errs is in
// the caller's favour, and by one burst at most. With a million callers who have just called, that
// happens to two in a thousand.
//
// Two callers share a bucket when 64 bits of a hash with a secret seed agree: with a million of them, the
// odds that any two do are 1 to 30 million.
//
// Nothing here reads a clock, writes a log or knows of HTTP. All methods may be called by any number of
// goroutines at the same time, and allocate nothing.
package ratelimit

import (
	"math"
	"sync"
	"time"
)

const (
	// ways is how many places there are for a bucket.
	ways = 16
	// setsPerShard times shards times ways is how many buckets there are.
	setsPerShard = 468
	shards       = 256
)

// mostDebt is how far below empty a bucket goes: what is taken beyond is forgotten. It keeps times
// from running over.
const mostDebt = 365 * 24 * time.Hour

// Limiter keeps the buckets of all callers. Make one with [New].
type Limiter struct {
	limit    Limit
	interval float64       // nanoseconds per request
	one      time.Duration // the same, whole
	room     time.Duration // the time in which an empty bucket fills up
	keys     hasher
	epoch    time.Time
	shards   [shards]shard
}

// shard is a part of the table, with a lock of its own.
type shard struct {
	mu   sync.Mutex
	sets [setsPerShard]set
	_    [64]byte // keeps the lock of the next from the processor's cache line of this
}

// set is the places of the buckets whose keys lead here. A bucket that is full is a free place.
type set struct {
	keys [ways]Key
	full [ways]time.Duration // when the bucket is full again, since the epoch
}

// New returns a limiter whose buckets are full. The limit must be one that [Limit.Check] lets pass, and not
// the zero one. Times before now count as now.
func New(limit Limit, now time.Time) *Limiter {
	interval := float64(limit.Per) / limit.Requests
	return &Limiter{
		limit:    limit,
		interval: interval,
		one:      time.Duration(math.Round(interval)),
		room:     time.Duration(math.Round(interval * limit.burst())),
		keys:     newHasher(),
		// What no one has written in the table is full.
		epoch: now.Add(-1),
	}
}

// Limit returns the limit that it keeps.
func (l *Limiter) Limit() Limit { return l.limit }

// Take takes n requests out of the caller's bucket if there is one in it, even if that leaves it below
// empty: a batch may be larger than the bucket, and what it owes is waited for before the next. Where there is
// none, nothing is taken, and Take returns how long it is until there will be. n must be at least 1.
//
// Only the monotonic reading of now counts, where it has one: a clock that is set neither fills buckets
// nor empties them.
func (l *Limiter) Take(key Key, n int, now time.Time) (wait time.Duration, ok bool) {
	return l.take(key, n, now, l.room-l.one)
}

// TakeMore takes n more for a request that Take let pass before its size was known. It does so unless the
// bucket is below empty, into which others have brought it meanwhile.
func (l *Limiter) TakeMore(key Key, n int, now time.Time) (wait time.Duration, ok bool) {
	return l.take(key, n, now, l.room)
}

// GiveBack puts n back that were taken for a request which came to nothing.
func (l *Limiter) GiveBack(key Key, n int) {
	part, set := l.places(key)
	part.mu.Lock()
	defer part.mu.Unlock()
	if place := set.find(key); set.keys[place] == key {
		set.full[place] = max(set.full[place]-l.cost(n), 0)
	}
}

// take takes n if the bucket is full again within the tolerance.
func (l *Limiter) take(key Key, n int, now time.Time, tolerance time.Duration) (wait time.Duration, ok bool) {
	at := max(now.Sub(l.epoch), 1)
	cost := l.cost(n)
	part, set := l.places(key)
	part.mu.Lock()
	defer part.mu.Unlock()
	place := set.find(key)
	full := at
	if set.keys[place] == key {
		full = max(full, set.full[place])
	}
	if full-at > tolerance {
		return full - at - (l.room - l.one), false
	}
	set.keys[place] = key
	set.full[place] = min(full+cost, at+l.room+mostDebt)
	return 0, true
}

// places returns where a bucket may be.
func (l *Limiter) places(key Key) (*shard, *set) {
	part := &l.shards[key>>56]
	// The next 32 bits of the key, spread over the sets.
	return part, &part.sets[uint64(uint32(key>>24))*setsPerShard>>32]
}

// cost is how much later a bucket is full again for n requests.
func (l *Limiter) cost(n int) time.Duration {
	if n == 1 {
		return l.one
	}
	return time.Duration(math.Round(min(float64(n)*l.interval, float64(mostDebt))))
}

// find returns the place of the key, or the one that it may have: a free one, or else that of the
// bucket that is closest to full.
func (s *set) find(key Key) int {
	best := 0
	for i := range ways {
		if s.keys[i] == key {
			return i
		}
		if s.full[i] < s.full[best] {
			best = i
		}
	}
	return best
}
