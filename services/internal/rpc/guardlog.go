package rpc

import (
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// spared says of which refusals the log has a line at level info: one a second, so that a flood of
// requests does not become one of lines. At level debug it has all.
type spared struct {
	next   atomic.Int64 // when there is another line, in nanoseconds since 1970
	others atomic.Uint64
}

// spareFor is the time between two lines.
const spareFor = time.Second

// level returns at which level a refusal of that time is logged, and at level info, how many were not
// since the last.
func (s *spared) level(now time.Time) (level zerolog.Level, others uint64) {
	next := s.next.Load()
	if now.UnixNano() < next || !s.next.CompareAndSwap(next, now.Add(spareFor).UnixNano()) {
		s.others.Add(1)
		return zerolog.DebugLevel, 0
	}
	return zerolog.InfoLevel, s.others.Swap(0)
}
