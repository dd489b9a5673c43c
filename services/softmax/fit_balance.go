package softmax

// BalancedWeights returns class weights for [FitOptions] that give every class the same share: the
// sum of the rows' weights over the number of classes times the sum of the weights of the rows of
// the class. That is class_weight="balanced" of scikit-learn from 1.9 on. Weights may be nil: every
// row weighs 1. A class without rows gets 0. It panics if a label is not the position of a class,
// 0 to classes-1, or weights are as many as labels.
func BalancedWeights(labels []int, classes int, weights []float64) []float64 {
	if weights != nil && len(weights) != len(labels) {
		panic("softmax: BalancedWeights: length mismatch")
	}
	counts := make([]float64, classes)
	var total float64
	for i, label := range labels {
		weight := 1.0
		if weights != nil {
			weight = weights[i]
		}
		counts[label] += weight
		total += weight
	}
	for k, count := range counts {
		if count != 0 {
			counts[k] = total / (float64(classes) * count)
		}
	}
	return counts
}
