package main

import (
	"os"
	"time"

	"github.com/rs/zerolog"
)

// newLogger returns a logger of the level and format that writes to stderr.
func newLogger(p *process, level, format string) zerolog.Logger {
	out := p.stderr
	if format == "pretty" || format == "auto" && p.terminal {
		out = zerolog.ConsoleWriter{Out: out, TimeFormat: time.TimeOnly, NoColor: !p.terminal || os.Getenv("NO_COLOR") != ""}
	}
	// The flag's enum leaves only levels that parse.
	parsed, err := zerolog.ParseLevel(level)
	if err != nil {
		parsed = zerolog.InfoLevel
	}
	return zerolog.New(out).Level(parsed).With().Timestamp().Logger()
}
