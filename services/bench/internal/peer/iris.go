package peer

import (
	"context"
	"fmt"
	"io/fs"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/bench/internal/drive"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/modelfile"
	"github.com/sepal-ml/sepal/services/softmax"
)

const (
	irisFile = "iris/v1.0.0/model.binpb"
	name     = "iris"
	version  = "v1.0.0"
	variant  = "stable"
)

// iris is the model that Sepal serves where it is told of no other.
type iris struct {
	model   *softmax.Model
	classes []string
}

func loadIris(ctx context.Context) (*iris, error) {
	files, err := registry.Builtin().Files(ctx)
	if err != nil {
		return nil, err
	}
	data, err := fs.ReadFile(files, irisFile)
	if err != nil {
		return nil, err
	}
	file, err := modelfile.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", irisFile, err)
	}
	m := &iris{model: file.Model}
	for k := range file.Model.NumClasses() {
		m.classes = append(m.classes, file.Model.Class(k))
	}
	return m, nil
}

// answer returns the prediction for the row that the peers are asked about.
func (m *iris) answer() (*predictionv1.PredictResponse, error) {
	return m.predict(&predictionv1.PredictRequest{Features: drive.Row[:]})
}

// predict answers as Sepal does, all classes in the scores.
func (m *iris) predict(request *predictionv1.PredictRequest) (*predictionv1.PredictResponse, error) {
	if got, want := len(request.GetFeatures()), m.model.Signature().Len(); got != want {
		return nil, fmt.Errorf("features has %d values, expected %d", got, want)
	}
	probabilities, ranked := make([]float64, len(m.classes)), make([]int, len(m.classes))
	class, err := m.model.Predict(probabilities, request.GetFeatures())
	if err != nil {
		return nil, err
	}
	scores := make([]*predictionv1.ClassScore, len(ranked))
	for i, k := range softmax.Rank(ranked, probabilities) {
		scores[i] = &predictionv1.ClassScore{Class: m.classes[k], Probability: probabilities[k]}
	}
	return &predictionv1.PredictResponse{
		Prediction:   m.classes[class],
		Confidence:   probabilities[class],
		ModelVersion: version,
		Scores:       scores,
		Model:        name,
		Variant:      variant,
	}, nil
}

// batch answers a request in matrix form of doubles.
func (m *iris) batch(request *predictionv1.BatchPredictRequest) (*predictionv1.BatchPredictResponse, error) {
	values, columns := request.GetMatrix().GetValues(), m.model.Signature().Len()
	if len(values) == 0 || len(values)%columns != 0 {
		return nil, fmt.Errorf("matrix.values has %d values, expected a multiple of %d", len(values), columns)
	}
	rows := len(values) / columns
	result := &predictionv1.MatrixResult{
		Classes:      m.classes,
		ClassIndices: make([]uint32, rows),
		Confidences:  make([]float64, rows),
	}
	probabilities := make([]float64, len(m.classes))
	for i := range rows {
		class, err := m.model.Predict(probabilities, values[i*columns:(i+1)*columns])
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
		result.ClassIndices[i], result.Confidences[i] = uint32(class), probabilities[class]
	}
	return &predictionv1.BatchPredictResponse{Matrix: result, ModelVersion: version, Model: name, Variant: variant}, nil
}
