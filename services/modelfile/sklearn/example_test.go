package sklearn_test

import (
	"fmt"
	"os"

	"github.com/sepal-ml/sepal/services/modelfile/sklearn"
)

func ExampleDecode() {
	data, err := os.ReadFile("../../../testdata/models-elsewhere/sklearn/iris_pipe_sk1.9.0.joblib")
	if err != nil {
		fmt.Println(err)
		return
	}
	model, report, err := sklearn.Decode(data)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Estimator, "of scikit-learn", report.LibraryVersion)
	fmt.Println(report.Folded[0])
	p := make([]float64, model.NumClasses())
	class, err := model.Predict(p, []float64{5.1, 3.5, 1.4, 0.2})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s: %.4f\n", model.Class(class), p[class])
	// Output:
	// Pipeline(StandardScaler, LogisticRegression) of scikit-learn 1.9.0
	// StandardScaler "scaler": mean_ subtracted, divided by scale_
	// setosa: 0.9847
}

func ExampleUnsupportedError() {
	_, _, err := sklearn.Decode([]byte("\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R."))
	fmt.Println(err)
	// Output:
	// the use of os.system (byte 14) is not supported: no model needs it and it may be an attack: do not load the file with Python either, and ask where it comes from
}
