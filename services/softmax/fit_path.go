package softmax

import "context"

// FitPath fits for each C in cs, ascending or descending as given, and returns the results in the
// same order. The first fit starts from options.Start, the others each from the result before.
// options.C is not set. It stops at the first fit that fails, and then returns the results before
// it too; see [Fit] for the errors.
func FitPath(
	ctx context.Context, signature *Signature, classes []string, samples Samples, cs []float64, options FitOptions,
) ([]*FitResult, error) {
	if options.C != 0 {
		return nil, undefined("options.C", "is %v, expected 0: the path has one of its own for each fit", options.C)
	}
	results := make([]*FitResult, 0, len(cs))
	for _, c := range cs {
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
