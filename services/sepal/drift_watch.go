package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"connectrpc.com/connect"

	sepal "github.com/sepal-ml/sepal/clients/go"
)

const (
	// emptied empties a terminal before the first answer, and toTop goes back before the next,
	// which is drawn over the last one so that nothing flickers.
	emptied    = "\x1b[H\x1b[2J"
	toTop      = "\x1b[H"
	eraseToEnd = "\x1b[K"
	eraseBelow = "\x1b[J"
)

// watch writes an answer per interval until the process is interrupted. A server that is away for
// a while, or has no time, once it has answered, does not end it.
func (c *driftCmd) watch(p *process, client *sepal.Client) error {
	screen := isTerminal(p.stdout) && !c.JSON
	for first := true; ; first = false {
		var text bytes.Buffer
		report, err := c.ask(p.ctx, client)
		switch {
		case err == nil:
			err = c.write(&text, report)
		case !first && passing(err) && p.ctx.Err() == nil:
			say(p.stderr, "%v", err)
			err = nil
		}
		if err == nil && text.Len() > 0 {
			err = c.show(p.stdout, text.String(), first, screen)
		}
		if err != nil {
			return err
		}
		select {
		case <-p.ctx.Done():
			return p.ctx.Err()
		case <-time.After(c.Interval):
		}
	}
}

// passing reports whether the server may answer the next time.
func passing(err error) bool {
	var e *sepal.Error
	return errors.As(err, &e) && (e.Code == connect.CodeUnavailable || e.Code == connect.CodeResourceExhausted && e.RetryAfter > 0)
}

// show writes one answer: over the last one, or behind it.
func (c *driftCmd) show(out io.Writer, text string, first, screen bool) error {
	switch {
	case screen && first:
		text = emptied + text
	case screen:
		text = toTop + strings.ReplaceAll(text, "\n", eraseToEnd+"\n") + eraseBelow
	case !first && !c.JSON:
		text = "\n" + text
	}
	_, err := fmt.Fprint(out, text)
	return err
}
