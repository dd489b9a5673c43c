package main

import (
	"context"
	"io"
)

// process is what a verb sees of the world, so that tests can run verbs in process.
type process struct {
	// ctx ends at the first interrupt or SIGTERM; its cause is then a signalled.
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	// terminal tells whether stderr is a terminal: whether to draw progress and use colours.
	terminal bool
}
