package sepal

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/structpb"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

// Features returns a request for one row given as numbers, one per feature in the order of
// the model's signature; a category stands as its zero-based position. The request holds the
// slice given, not a copy. Set its other fields to name a model, a version or a top-k.
func Features(values ...float64) *predictionv1.PredictRequest {
	return &predictionv1.PredictRequest{Features: values}
}

// Inputs returns a request for one row given by feature names. A value is a Go number or a
// [json.Number] for a numeric feature, a string for a categorical one, or nil for a missing
// one; types defined on these will do. A float32 is taken as the float64 equal to it.
//
// It fails with an [*Error] of [connect.CodeInvalidArgument] that names each value which is
// something else, is NaN or infinite, or is an integer that no float64 equals. Whether the
// names are those of the model's signature is for the server to say.
func Inputs(values map[string]any) (*predictionv1.PredictRequest, error) {
	fields := make(map[string]*structpb.Value, len(values))
	var violations []FieldViolation
	for _, name := range slices.Sorted(maps.Keys(values)) {
		field, err := inputValue(values[name])
		if !utf8.ValidString(name) {
			err = errors.New("is a name that is not UTF-8, expected the name of a feature")
		}
		if err != nil {
			violations = append(violations, FieldViolation{"inputs." + strings.ToValidUTF8(name, "\uFFFD"), err.Error()})
			continue
		}
		fields[name] = field
	}
	if violations != nil {
		const message = "inputs cannot be sent"
		return nil, &Error{
			Code:       connect.CodeInvalidArgument,
			Message:    message,
			Violations: violations,
			err:        connect.NewError(connect.CodeInvalidArgument, errors.New(message)),
		}
	}
	return &predictionv1.PredictRequest{Inputs: &structpb.Struct{Fields: fields}}, nil
}

func inputValue(value any) (*structpb.Value, error) {
	if value == nil {
		return structpb.NewNullValue(), nil
	}
	if number, ok := value.(json.Number); ok {
		parsed, err := strconv.ParseFloat(number.String(), 64)
		if err != nil {
			return nil, fmt.Errorf("is the json.Number %q, expected a number", number.String())
		}
		return inputNumber(parsed)
	}
	v := reflect.ValueOf(value)
	switch {
	case v.CanFloat():
		return inputNumber(v.Float())
	case v.CanInt():
		return inputInteger(new(big.Int).SetInt64(v.Int()))
	case v.CanUint():
		return inputInteger(new(big.Int).SetUint64(v.Uint()))
	case v.Kind() == reflect.String:
		if !utf8.ValidString(v.String()) {
			return nil, errors.New("is a string that is not UTF-8, expected one that is")
		}
		return structpb.NewStringValue(v.String()), nil
	}
	return nil, fmt.Errorf("is a %T, expected a number, a string or nil", value)
}

func inputNumber(number float64) (*structpb.Value, error) {
	if math.IsNaN(number) || math.IsInf(number, 0) {
		return nil, fmt.Errorf("is %v, expected a finite number", number)
	}
	return structpb.NewNumberValue(number), nil
}

func inputInteger(integer *big.Int) (*structpb.Value, error) {
	number, accuracy := new(big.Float).SetInt(integer).Float64()
	if accuracy != big.Exact {
		return nil, fmt.Errorf("is %v, expected an integer that a float64 can hold", integer)
	}
	return structpb.NewNumberValue(number), nil
}
