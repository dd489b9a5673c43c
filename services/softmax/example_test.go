package softmax_test

import (
	"context"
	"fmt"

	"github.com/sepal-ml/sepal/services/softmax"
)

// pets are some animals by their weight, in kg, and what they are covered with.
func pets() (*softmax.Signature, []string, softmax.Samples) {
	signature, err := softmax.NewSignature([]softmax.Feature{
		{Name: "weight", Unit: "kg"},
		{Name: "cover", Categories: []string{"fur", "feathers"}},
	})
	if err != nil {
		panic(err)
	}
	return signature, []string{"cat", "dog", "parrot"}, softmax.Samples{
		Rows: []float64{
			4, 0,
			5, 0,
			3.5, 0,
			22, 0,
			9, 0,
			31, 0,
			0.4, 1,
			1, 1,
		},
		Labels: []int{0, 0, 0, 1, 1, 1, 2, 2},
	}
}

func ExampleFit() {
	signature, classes, samples := pets()
	result, err := softmax.Fit(context.Background(), signature, classes, samples, softmax.FitOptions{C: 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("converged: %v, objective %.4f\n", result.Converged, result.Objective)
	fmt.Println("proven to a millionth:", result.Gap < 1e-6*result.Objective)
	probabilities := make([]float64, len(classes))
	class, err := result.Model.Predict(probabilities, []float64{6, 0}) // 6 kg, fur
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s, %.2f\n", classes[class], probabilities)
	// Output:
	// converged: true, objective 0.5345
	// proven to a millionth: true
	// cat, [0.86 0.14 0.00]
}

func ExampleModel_Explain() {
	signature, classes, samples := pets()
	result, err := softmax.Fit(context.Background(), signature, classes, samples, softmax.FitOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	model := result.Model
	contributions := make([]float64, model.Signature().Len())
	margin := model.Explain(contributions, []float64{25, 0}, 1, 0)
	fmt.Printf("log-odds of dog against cat: %.2f, for the mean animal %.2f\n", margin.Total, margin.Baseline)
	for i, c := range margin.Contributions {
		fmt.Printf("%s: %+.2f\n", model.Signature().Feature(i).Name, c)
	}
	// Output:
	// log-odds of dog against cat: 15.25, for the mean animal 2.00
	// weight: +13.40
	// cover: -0.14
}

func ExampleFitPath() {
	signature, classes, samples := pets()
	cs := []float64{0.01, 1, 100}
	results, err := softmax.FitPath(context.Background(), signature, classes, samples, cs, softmax.FitOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	probabilities := make([]float64, len(classes))
	for i, result := range results {
		if _, err := result.Model.Predict(probabilities, []float64{6, 0}); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("C %v: %.2f\n", cs[i], probabilities)
	}
	// Output:
	// C 0.01: [0.45 0.27 0.28]
	// C 1: [0.75 0.24 0.01]
	// C 100: [0.93 0.07 0.00]
}

func ExampleBalancedWeights() {
	signature, classes, samples := pets()
	weights := softmax.BalancedWeights(samples.Labels, len(classes), nil)
	fmt.Printf("%.3f\n", weights)
	_, err := softmax.Fit(context.Background(), signature, classes, samples, softmax.FitOptions{ClassWeights: weights})
	fmt.Println(err)
	// Output:
	// [0.889 0.889 1.333]
	// <nil>
}
