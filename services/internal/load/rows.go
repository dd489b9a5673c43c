package load

import (
	"math/rand/v2"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

// RandomRows returns n rows that fit the signature, the same for the same seed. A number is
// uniform within the range of the training rows, or standard normal where that is not known; all
// categories are as likely.
func RandomRows(signature *modelv1.Signature, n int, seed uint64) []*predictionv1.Row {
	random := rand.New(rand.NewPCG(seed, 1))
	rows := make([]*predictionv1.Row, n)
	for i := range rows {
		features := make([]float64, len(signature.GetFeatures()))
		for j, f := range signature.GetFeatures() {
			features[j] = randomValue(random, f)
		}
		rows[i] = &predictionv1.Row{Features: features}
	}
	return rows
}

func randomValue(random *rand.Rand, f *modelv1.Feature) float64 {
	if categories := f.GetCategorical().GetCategories(); len(categories) > 0 {
		return float64(random.IntN(len(categories)))
	}
	n := f.GetNumeric()
	if n.GetMin() > n.GetMax() || n == nil || n.Min == nil || n.Max == nil {
		return random.NormFloat64()
	}
	at := random.Float64()
	return n.GetMin()*(1-at) + n.GetMax()*at // the difference could overflow
}
