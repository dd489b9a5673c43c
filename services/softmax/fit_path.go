package softmax

import (
	"context"
	"fmt"
)

// FitPath fits for each C in cs, ascending or descending as given, and returns the results in the
// same order. The first fit starts from options.Start, the others each from the result before.
// options.C is not set, and no C is 0. It stops at the first fit that fails, and then returns the results before
// it too; see [Fit] for the errors.
func FitPath(
	ctx context.Context, signature *Signature, classes []string, samples Samples, cs []float64, options FitOptions,
) ([]*FitResult, error) {
	if options.C != 0 {
		return nil, undefined("options.C", "is %v, expected 0: the path has one of its own for each fit", options.C)
	}
	results := make([]*FitResult, 0, len(cs))
	for i, c := range cs {
		if c == 0 {
			return results, undefined(fmt.Sprintf("cs[%d]", i), "is 0, expected a number from 1e-150 to 1e150")
		}
		options.C = c
		result, err := Fit(ctx, signature, classes, samples, options)
		if err != nil {
			return results, err
		}
		results = append(results, result)
		options.Start = result.Model
	}
	return results, nil
}
