package rpc

import (
	"testing"
	"time"

	"github.com/rs/zerolog"
)

func TestAFloodOfRefusalsIsNoneOfLines(t *testing.T) {
	t.Parallel()
	var s spared
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i, want := range []struct {
		after  time.Duration
		level  zerolog.Level
		others uint64
	}{
		{0, zerolog.InfoLevel, 0},
		{0, zerolog.DebugLevel, 0},
		{time.Millisecond, zerolog.DebugLevel, 0},
		{999 * time.Millisecond, zerolog.DebugLevel, 0},
		{time.Second, zerolog.InfoLevel, 3},
		{time.Second, zerolog.DebugLevel, 0},
		{5 * time.Second, zerolog.InfoLevel, 1},
		{7 * time.Second, zerolog.InfoLevel, 0},
	} {
		if level, others := s.level(at.Add(want.after)); level != want.level || others != want.others {
			t.Errorf("refusal %d: level %v after %d others, expected %v after %d", i, level, others, want.level, want.others)
		}
	}
}
