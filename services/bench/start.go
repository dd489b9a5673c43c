package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/sepal-ml/sepal/services/bench/internal/compare"
	"github.com/sepal-ml/sepal/services/bench/internal/drive"
	"github.com/sepal-ml/sepal/services/bench/internal/process"
	"github.com/sepal-ml/sepal/services/bench/internal/report"
)

// start measures starts, memory and the size of the binary.
func (s *suite) start(ctx context.Context) ([]report.Line, error) {
	var times, idle []float64
	for i := range s.starts {
		took, memory, err := s.startOnce(ctx, i == s.starts-1)
		if err != nil {
			return nil, err
		}
		times, idle = append(times, milliseconds(took)), append(idle, megabytes(memory))
	}
	lines := []report.Line{
		absolute(fmt.Sprintf("from exec to the first right answer, median of %d", s.starts), "ms", compare.Median(times), report.AtMost(150)),
		absolute("resident memory, idle", "MB", idle[len(idle)-1], report.AtMost(40)),
	}
	for _, built := range []struct{ name, file string }{
		{"size of the binary, as `task build` builds it", s.sepal},
		{"size of the binary, with -ldflags '-s -w'", s.stripped},
	} {
		if built.file == "" {
			continue
		}
		info, err := os.Stat(built.file)
		if err != nil {
			return lines, err
		}
		lines = append(lines, absolute(built.name, "MB", megabytes(uint64(info.Size())), nil))
	}
	return lines, nil
}

// settle is how long a server that was asked once is left alone before its memory is read.
const settle = time.Second

func (s *suite) startOnce(ctx context.Context, wait bool) (took time.Duration, memory uint64, err error) {
	began := time.Now()
	server, err := process.Start(ctx, s.ours())
	if err != nil {
		return 0, 0, err
	}
	defer server.Stop()
	if err := drive.Once(ctx, server.Address); err != nil {
		return 0, 0, err
	}
	took = time.Since(began)
	if wait {
		time.Sleep(settle)
	}
	memory, _, err = server.Memory()
	return took, memory, err
}
