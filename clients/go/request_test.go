package sepal

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

type (
	colour string
	grams  float32
)

func TestFeaturesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	if got := Features(5.1, 3.5, 1.4, 0.2).GetFeatures(); !slices.Equal(got, []float64{5.1, 3.5, 1.4, 0.2}) {
		t.Errorf("features are %v", got)
	}
}

func TestInputsTaken(t *testing.T) {
	t.Parallel()
	number, text, null := structpb.NewNumberValue, structpb.NewStringValue, structpb.NewNullValue
	for name, c := range map[string]struct {
		value any
		want  *structpb.Value
	}{
		"float64":        {5.1, number(5.1)},
		"float32":        {float32(0.1), number(float64(float32(0.1)))},
		"int":            {-3, number(-3)},
		"uint8":          {uint8(200), number(200)},
		"int64 at 2^53":  {int64(1) << 53, number(1 << 53)},
		"smallest int64": {int64(math.MinInt64), number(-1 << 63)},
		"json number":    {json.Number("1e-3"), number(0.001)},
		"string":         {"red", text("red")},
		"empty string":   {"", text("")},
		"nil":            {nil, null()},
		"named string":   {colour("red"), text("red")},
		"named float":    {grams(2.5), number(2.5)},
	} {
		req, err := Inputs(map[string]any{"x": c.value})
		if err != nil || !proto.Equal(req.GetInputs().GetFields()["x"], c.want) {
			t.Errorf("%s: %v, %v; want %v", name, req, err, c.want)
		}
	}
}

func TestInputsRefused(t *testing.T) {
	t.Parallel()
	for want, value := range map[string]any{
		"is a bool, expected a number, a string or nil":                        true,
		"is a []float64, expected a number, a string or nil":                   []float64{1},
		"is a *float64, expected a number, a string or nil":                    new(float64),
		"is NaN, expected a finite number":                                     math.NaN(),
		"is -Inf, expected a finite number":                                    float32(math.Inf(-1)),
		"is +Inf, expected a finite number":                                    json.Number("Inf"),
		`is the json.Number "1e999", expected a number`:                        json.Number("1e999"),
		`is the json.Number "five", expected a number`:                         json.Number("five"),
		"is 9007199254740993, expected an integer that a float64 can hold":     int64(1)<<53 + 1,
		"is 18446744073709551615, expected an integer that a float64 can hold": uint64(math.MaxUint64),
		"is a string that is not UTF-8, expected one that is":                  "\xff",
	} {
		req, err := Inputs(map[string]any{"good": 1, "bad": value})
		if req != nil || err == nil {
			t.Errorf("%v (%T) is taken", value, value)
			continue
		}
		e := asError(t, err)
		if !slices.Equal(e.Violations, []FieldViolation{{"inputs.bad", want}}) {
			t.Errorf("%v (%T): violations %v, want %q", value, value, e.Violations, want)
		}
	}
}

func TestAllBadInputsAreNamedInOrder(t *testing.T) {
	t.Parallel()
	_, err := Inputs(map[string]any{"c": true, "a": math.NaN(), "b": 1, "d\xff": 1})
	const text = "sepal: invalid_argument: inputs cannot be sent: " +
		"inputs.a is NaN, expected a finite number; " +
		"inputs.c is a bool, expected a number, a string or nil; " +
		"inputs.d\uFFFD is a name that is not UTF-8, expected the name of a feature"
	if e := asError(t, err); e.Error() != text || e.Code != connect.CodeInvalidArgument || e.Attempts != 0 {
		t.Errorf("text\n %s\nwant\n %s", e, text)
	}
	if coded := new(connect.Error); !errors.As(err, &coded) || coded.Code() != connect.CodeInvalidArgument {
		t.Errorf("%v wraps no connect error", err)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Error("the text has several lines")
	}
}
