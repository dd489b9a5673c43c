package server

import (
	"io"

	"github.com/rs/zerolog"
)

// NotOpened returns what Start says of a port that could not be opened.
func NotOpened(err error) error { return notOpened(err) }

// HTTPLog returns what takes what net/http has to say.
func HTTPLog(logger zerolog.Logger) io.Writer { return httpLog{logger} }

// SizeHeaders returns how many lines of what is read in these parts begin as a Content-Length does.
func SizeHeaders(parts ...[]byte) int64 {
	var s headerScan
	for _, p := range parts {
		s.read(p)
	}
	return s.seen.Load()
}
