package sepal

import (
	"context"
	"fmt"
	"strings"
	"time"

	"connectrpc.com/connect"
)

// Bounds of the text of an error, not of the error.
const (
	maxShownViolations = 3
	maxShownRunes      = 300 // of the message, and of each violation
)

// Error is why a call failed: the error of every method of [Client], and of [Inputs].
//
// It wraps what it was made of: errors.As finds a [*connect.Error], with the metadata and the
// details as they came, and errors.Is finds [context.Canceled] where the caller's context was
// cancelled. errors.Is finds [context.DeadlineExceeded] whenever the code is
// [connect.CodeDeadlineExceeded], whichever side's clock ran out.
type Error struct {
	// Code says what kind of failure it is. A connection that was refused or cut is
	// [connect.CodeUnavailable].
	Code connect.Code
	// Message says what was wrong, for people. It may be empty.
	Message string
	// Violations are the values of the request that the server refused, in its order.
	Violations []FieldViolation
	// Preconditions are what the server's state lacks for the request, in its order, such as the
	// ways in which a version breaks a signature. Error does not repeat them: the message says
	// what they come to.
	Preconditions []PreconditionViolation
	// RequestID is what the server's log calls the request: of the last attempt that the
	// server answered with one. Empty: none came.
	RequestID string
	// RetryAfter is how long the server asked to be left alone. 0: it did not say.
	RetryAfter time.Duration
	// Attempts is how often the call was made. 0: it never was, the request is at fault.
	Attempts int

	err error
}

// FieldViolation is a value that was refused.
type FieldViolation struct {
	// Field is the path of the value in the request, such as "features[2]" or
	// "inputs.sepal_width_cm".
	Field string
	// Description says what was found there and what was expected, such as "is NaN, expected
	// a finite number".
	Description string
}

// String returns the field and what is wrong with it, such as "features[2] is NaN, expected a
// finite number".
func (v FieldViolation) String() string { return v.Field + " " + v.Description }

// PreconditionViolation is something that the server's state lacks for a request.
type PreconditionViolation struct {
	// Type is the kind of it, such as "SIGNATURE".
	Type string
	// Subject is what it is about, such as "features[2]" of a model's signature.
	Subject string
	// Description says what is wrong, such as `feature "petal_length_cm" was removed`.
	Description string
}

// String returns the subject and what is wrong with it, such as `features[2]: feature
// "petal_length_cm" was removed`.
func (v PreconditionViolation) String() string {
	if v.Subject == "" {
		return v.Description
	}
	return v.Subject + ": " + v.Description
}

// Error returns one line with what is known, each thing once: at most 3 violations, and of each
// text at most 300 characters. The fields have it all.
func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString("sepal: " + e.Code.String())
	if e.Message != "" && !e.repeats() {
		text.WriteString(": " + cut(e.Message))
	}
	for i, v := range e.Violations {
		separator := "; "
		if i == 0 {
			separator = ": "
		}
		if i == maxShownViolations {
			fmt.Fprintf(&text, "; and %d more", len(e.Violations)-i)
			break
		}
		text.WriteString(separator + cut(v.String()))
	}
	if notes := e.notes(); len(notes) > 0 {
		text.WriteString(" (" + strings.Join(notes, ", ") + ")")
	}
	return oneLine.Replace(text.String())
}

// repeats reports whether the message only says what the violations do: servers begin it with
// the first of them, for those who read no details.
func (e *Error) repeats() bool {
	if len(e.Violations) == 0 {
		return false
	}
	rest, ok := strings.CutPrefix(e.Message, e.Violations[0].String())
	return ok && (rest == "" || strings.HasPrefix(rest, " (and "))
}

func cut(text string) string {
	if runes := []rune(text); len(runes) > maxShownRunes {
		return string(runes[:maxShownRunes]) + "…"
	}
	return text
}

var oneLine = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ")

func (e *Error) notes() []string {
	var notes []string
	if e.RequestID != "" {
		notes = append(notes, "request "+e.RequestID)
	}
	if e.Attempts > 1 {
		notes = append(notes, fmt.Sprintf("%d attempts", e.Attempts))
	}
	if e.RetryAfter > 0 {
		notes = append(notes, fmt.Sprintf("retry after %v", e.RetryAfter))
	}
	return notes
}

// Unwrap returns the error that this one was made of: a [*connect.Error], or an error of an
// interceptor.
func (e *Error) Unwrap() error { return e.err }

// Is makes a deadline that the server saw pass the same as one that passed here.
func (e *Error) Is(target error) bool {
	return target == context.DeadlineExceeded && e.Code == connect.CodeDeadlineExceeded
}
