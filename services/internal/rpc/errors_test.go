package rpc

import (
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
)

func TestInvalidListsTheViolations(t *testing.T) {
	t.Parallel()
	one := Violation{Field: "features[2]", Description: "is NaN, expected a finite number"}
	two := Violation{Field: "top_k", Description: "is -1, expected at least 0"}
	tests := map[string]struct {
		violations []Violation
		message    string
	}{
		"one":   {[]Violation{one}, "features[2] is NaN, expected a finite number"},
		"two":   {[]Violation{two, one}, "top_k is -1, expected at least 0 (and 1 more)"},
		"three": {[]Violation{one, two, one}, "features[2] is NaN, expected a finite number (and 2 more)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := Invalid(test.violations...)
			if err.Code() != connect.CodeInvalidArgument || err.Message() != test.message || Describe(test.violations) != test.message {
				t.Errorf("got %v, described as %q, expected invalid_argument: %s", err, Describe(test.violations), test.message)
			}
			if diff := cmp.Diff(test.violations, violationsOf(t, err)); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

// violationsOf returns what the only detail of the error, a google.rpc.BadRequest, lists.
func violationsOf(t *testing.T, err *connect.Error) []Violation {
	t.Helper()
	if n := len(err.Details()); n != 1 {
		t.Fatalf("the error has %d details, expected 1", n)
	}
	message, valueErr := err.Details()[0].Value()
	if valueErr != nil {
		t.Fatal(valueErr)
	}
	bad, ok := message.(*errdetails.BadRequest)
	if !ok {
		t.Fatalf("the detail is a %T, expected a BadRequest", message)
	}
	var violations []Violation
	for _, v := range bad.GetFieldViolations() {
		violations = append(violations, Violation{Field: v.GetField(), Description: v.GetDescription()})
	}
	return violations
}

func TestNoViolationPanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("Invalid without violations returns")
		}
	}()
	_ = Invalid()
}
