package predictionapi

import (
	"math"

	"connectrpc.com/connect"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/rpc"
	"github.com/sepal-ml/sepal/services/softmax"
)

// predictor classifies the rows of one request, one after the other.
type predictor struct {
	version       *registry.Version
	explain       bool
	probabilities []float64
	ranked        []int // the best classes
	logits        []float64
}

func newPredictor(v *registry.Version, topK *uint32, explain bool) *predictor {
	classes := v.Compiled.NumClasses()
	top := classes
	if topK != nil {
		top = int(min(uint64(*topK), uint64(classes)))
	}
	return &predictor{
		version:       v,
		explain:       explain,
		probabilities: make([]float64, classes),
		ranked:        make([]int, top),
	}
}

// result is predict with its violations as a part of the answer.
func (p *predictor) result(r *predictionv1.Row, prefix string) *predictionv1.RowResult {
	response, violations := p.predict(r, prefix)
	if violations == nil {
		return &predictionv1.RowResult{Result: &predictionv1.RowResult_Response{Response: response}}
	}
	rowError := &predictionv1.RowError{
		Code:            connect.CodeInvalidArgument.String(),
		Message:         rpc.Describe(violations),
		FieldViolations: make([]*predictionv1.FieldViolation, len(violations)),
	}
	for i, v := range violations {
		rowError.FieldViolations[i] = &predictionv1.FieldViolation{Field: v.Field, Description: v.Description}
	}
	return &predictionv1.RowResult{Result: &predictionv1.RowResult_Error{Error: rowError}}
}

// predict classifies one row. Field paths of violations begin with prefix.
func (p *predictor) predict(source rowSource, prefix string) (*predictionv1.PredictResponse, []rpc.Violation) {
	model := p.version.Compiled
	r, violations := decodeRow(p.version, source, prefix)
	if violations != nil {
		return nil, violations
	}
	class, err := model.Predict(p.probabilities, r.values)
	if err != nil {
		// decodeRow has checked each value, so the row as a whole is too large.
		return nil, []rpc.Violation{{Field: prefix + r.field, Description: overflow}}
	}
	response := &predictionv1.PredictResponse{
		Prediction:   model.Class(class),
		Confidence:   p.probabilities[class],
		ModelVersion: p.version.Version,
		Model:        p.version.Model,
	}
	response.Scores = p.scores()
	if p.explain {
		response.Explanation = p.explanation(r, class)
		if m := response.Explanation.Margin; math.IsInf(m, 0) || math.IsNaN(m) {
			return nil, []rpc.Violation{{Field: prefix + r.field, Description: overflow}}
		}
	}
	return response, nil
}

const overflow = "has values so large that the model's logits are not finite, expected values nearer to the training range"

func (p *predictor) scores() []*predictionv1.ClassScore {
	scores := make([]*predictionv1.ClassScore, len(p.ranked))
	for i, class := range softmax.Rank(p.ranked, p.probabilities) {
		scores[i] = &predictionv1.ClassScore{Class: p.version.Compiled.Class(class), Probability: p.probabilities[class]}
	}
	return scores
}

func (p *predictor) explanation(r row, class int) *predictionv1.Explanation {
	model := p.version.Compiled
	signature := model.Signature()
	against := p.runnerUp(r, class)
	margin := model.Explain(make([]float64, signature.Len()), r.values, class, against)
	contributions := make([]*predictionv1.Contribution, signature.Len())
	for j, value := range margin.Contributions {
		f := signature.Feature(j)
		c := &predictionv1.Contribution{
			Feature:      f.Name,
			Contribution: value,
			Imputed:      r.imputed != nil && r.imputed[j],
		}
		if f.Categorical() {
			c.Value = &predictionv1.Contribution_Category{Category: f.Categories[int(r.values[j])]}
		} else {
			c.Value = &predictionv1.Contribution_Number{Number: r.values[j]}
		}
		contributions[j] = c
	}
	return &predictionv1.Explanation{
		Class:         model.Class(class),
		Against:       model.Class(against),
		Margin:        margin.Total,
		Baseline:      margin.Baseline,
		Contributions: contributions,
	}
}

// runnerUp returns the best class but one, by logits: probabilities may both be 0.
func (p *predictor) runnerUp(r row, class int) int {
	if p.logits == nil {
		p.logits = make([]float64, len(p.probabilities))
	}
	best := -1
	for k, z := range p.version.Compiled.Logits(p.logits, r.values) {
		if k != class && (best < 0 || z > p.logits[best]) {
			best = k
		}
	}
	return best
}
