package sepal

import (
	"context"
	"fmt"
	"strings"
	"time"

	"connectrpc.com/connect"
)

// maxShownViolations bounds the text of an error, not the error.
const maxShownViolations = 8

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
	// Description says what was expected there, and what was found.
	Description string
}

// Error returns one line with all that is known, and at most 8 violations.
func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString("sepal: " + e.Code.String())
	if e.Message != "" {
		text.WriteString(": " + e.Message)
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
		text.WriteString(separator + v.Field + ": " + v.Description)
	}
	if notes := e.notes(); len(notes) > 0 {
		text.WriteString(" (" + strings.Join(notes, ", ") + ")")
	}
	return oneLine.Replace(text.String())
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
