package softmax

import "math"

// Link says how the logits z of a model become probabilities. With either link, the class of the
// highest logit is the one of the highest probability.
type Link int

const (
	// LinkSoftmax gives class k the probability exp(z_k) / sum_c exp(z_c).
	LinkSoftmax Link = iota
	// LinkOneVsRest is of classifiers that were fitted class by class, one against the rest:
	// class k has the probability s(z_k) / sum_c s(z_c), where s(z) = 1 / (1 + exp(-z)). That is
	// what scikit-learn's LogisticRegression does with multi_class='ovr'. Such a model has three
	// classes or more: of two, one against the rest is a softmax.
	LinkOneVsRest
)

// Rest stands for all classes but one: what [Model.Explain] compares a class of a
// [LinkOneVsRest] model with.
const Rest = -1

func checkLink(link Link, classes int) error {
	switch {
	case link != LinkSoftmax && link != LinkOneVsRest:
		return undefined("link", "is %d, expected LinkSoftmax or LinkOneVsRest", link)
	case link == LinkOneVsRest && classes < 3:
		return undefined("link", "one against the rest needs three classes or more, has %d; a softmax does the same for two", classes)
	}
	return nil
}

// oneVsRest writes s(z_k) / sum_c s(z_c) over the logits, where s(z) = 1 / (1 + exp(-z)), and
// returns the class of the highest logit. No class gets a higher probability than that one, and
// its own never underflows: where all s do, the result is the limit, which is the softmax.
func oneVsRest(logits []float64) int {
	best := argmax(logits)
	// s(z) is exp(z) / (1 + exp(z)), and exp(shift) cancels out.
	shift := min(logits[best], 0)
	highest := shiftedSigmoid(logits[best], shift)
	var sum float64
	for k, z := range logits {
		// Rounding must not put a class above the best.
		s := min(shiftedSigmoid(z, shift), highest)
		logits[k] = s
		sum += s
	}
	for k := range logits {
		logits[k] /= sum
	}
	return best
}

// shiftedSigmoid returns exp(-shift) / (1 + exp(-z)). The shift is 0 for z above 0, else from z to 0.
func shiftedSigmoid(z, shift float64) float64 {
	e := math.Exp(-math.Abs(z))
	switch {
	case z >= 0:
		return 1 / (1 + e)
	case shift == 0:
		return e / (1 + e)
	default:
		return math.Exp(z-shift) / (1 + e)
	}
}
