package rollout

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
)

// ErrStale says that a rollout was set with the etag of one that is no longer the present one.
var ErrStale = errors.New("the rollout was changed meanwhile")

// InvalidError lists what is wrong with a rollout, a change or a record, field by field.
type InvalidError struct {
	// Violations has at least one element.
	Violations []Violation
}

// Violation is a rule that a field breaks.
type Violation struct {
	// Field is the path of the field, such as "rollout.variants[1].weight".
	Field string
	// Description says what is wrong with it and what was expected, such as "is 20000, expected
	// 0 to 10000".
	Description string
}

func (e *InvalidError) Error() string {
	lines := make([]string, len(e.Violations))
	for i, v := range e.Violations {
		lines[i] = v.Field + " " + v.Description
	}
	return strings.Join(lines, "; ")
}

// NothingError says that there is nothing to go back to.
type NothingError struct {
	// Revision is that of the present rollout; 0: it is the initial one, or there is none.
	Revision uint32
}

func (e *NothingError) Error() string {
	if e.Revision == 0 {
		return "there is nothing to go back to: nobody has set a rollout"
	}
	return fmt.Sprintf("there is nothing to go back to: no rollout from before that of revision %d is known", e.Revision)
}

// NoEventError says that there is no event of a revision, or none any more, or that it set no
// rollout.
type NoEventError struct {
	// Revision is the one that was asked for.
	Revision uint32
	// Latest are the latest events that set a rollout, oldest first: at most ten.
	Latest []uint32
}

func (e *NoEventError) Error() string {
	text := fmt.Sprintf("revision %d is no event that set a rollout, or is no longer kept", e.Revision)
	if len(e.Latest) == 0 {
		return text
	}
	known := make([]string, len(e.Latest))
	for i, revision := range e.Latest {
		known[i] = strconv.FormatUint(uint64(revision), 10)
	}
	return text + "; the latest that did: " + strings.Join(known, ", ")
}

// stale returns the [ErrStale] of an etag that is not the present one.
func stale(now *registryv1.RolloutRecord, etag string) error {
	revision := now.GetRollout().GetRevision()
	by := ""
	if event := eventOf(now, revision); event != nil {
		by = fmt.Sprintf(", since %s by %s", event.GetTime().AsTime().Format("2006-01-02T15:04:05Z07:00"), someone(event.GetActor()))
	}
	return fmt.Errorf("%w: the etag is %s, but the present rollout is that of revision %d%s; read it again and repeat the change", ErrStale, quoted(etag), revision, by)
}

func someone(actor string) string {
	if actor == "" {
		return "somebody who gave no name"
	}
	return quoted(actor)
}

// quoted quotes a text for an error: on one line, and no more of it than tells what it is.
func quoted(text string) string {
	const longest = 80
	if len(text) <= longest {
		return strconv.Quote(text)
	}
	cut := longest
	for cut > longest-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return strconv.Quote(text[:cut]) + fmt.Sprintf("… (%d bytes)", len(text))
}
