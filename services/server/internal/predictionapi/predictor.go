package predictionapi

import (
	"context"
	"math"
	"slices"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/monitor"
	"github.com/sepal-ml/sepal/services/internal/rpc"
	"github.com/sepal-ml/sepal/services/softmax"
)

// predictor classifies rows, one after the other; see prepare.
type predictor struct {
	assigned
	explain       bool
	block         *monitor.Block // counts the rows together; nil: each by itself
	probabilities []float64
	ranked        []int // the best classes
	logits        []float64
	short         shortRequest // of PredictShort, as json is
	json          *shortJSON
}

// prepare makes the predictor ready for rows that a answers. What it holds is of use again where
// the version is the same as before.
func (p *predictor) prepare(a assigned, topK *uint32, explain bool) {
	classes := a.version.Compiled.NumClasses()
	if a.version != p.version {
		*p = predictor{short: p.short, json: p.json, probabilities: make([]float64, classes), ranked: make([]int, classes)}
	}
	top := classes
	if topK != nil {
		top = int(min(uint64(*topK), uint64(classes)))
	}
	p.assigned, p.explain, p.ranked = a, explain, p.ranked[:top]
}

// predict classifies one row and writes the answer into response, which may be an earlier one:
// it is of no use where there are violations. Their field paths begin with prefix.
func (p *predictor) predict(ctx context.Context, response *predictionv1.PredictResponse, source rowSource, prefix string) []rpc.Violation {
	model := p.version.Compiled
	r, violations := decodeRow(p.version, source, prefix)
	if violations != nil {
		return violations
	}
	class, err := model.Predict(p.probabilities, r.values)
	if err != nil {
		// decodeRow has checked each value, so the row as a whole is too large.
		return []rpc.Violation{{Field: prefix + r.field, Description: overflow}}
	}
	p.answer(response, class)
	response.Explanation = nil
	if p.explain {
		response.Explanation = p.explanation(r, class)
		if m := response.Explanation.Margin; math.IsInf(m, 0) || math.IsNaN(m) {
			return []rpc.Violation{{Field: prefix + r.field, Description: overflow}}
		}
	}
	if p.observe(p.block, r.values, r.imputed, class, response.Confidence) {
		p.unsure.note(ctx, &p.assigned, r.values, r.imputed, class, response.Confidence)
	}
	return nil
}

const overflow = "has values so large that the model's logits are not finite, expected values nearer to the training range"

// answer writes what was predicted into response, but for the explanation.
func (p *predictor) answer(response *predictionv1.PredictResponse, class int) {
	response.Prediction = p.version.Compiled.Class(class)
	response.Confidence = p.probabilities[class]
	response.ModelVersion = p.version.Version
	response.Model = p.version.Model
	response.Variant = p.variant
	response.Scores = p.scores(response.GetScores(), class)
}

// scores writes the best classes, the predicted one first, to dst where it has as many places, or
// else to a new list.
func (p *predictor) scores(dst []*predictionv1.ClassScore, predicted int) []*predictionv1.ClassScore {
	if n := len(p.ranked); len(dst) != n {
		dst = newScores(n)
	}
	for i, class := range lead(softmax.Rank(p.ranked, p.probabilities), predicted) {
		dst[i].Class, dst[i].Probability = p.version.Compiled.Class(class), p.probabilities[class]
	}
	return dst
}

// lead moves a class to the front of the ranked ones: several may have the highest probability, as
// where sigmoids round to 1, and their logits still tell which is predicted.
func lead(ranked []int, class int) []int {
	if len(ranked) == 0 || ranked[0] == class {
		return ranked
	}
	at := slices.Index(ranked, class)
	if at < 0 {
		at = len(ranked) - 1 // it takes the place of the last
	}
	copy(ranked[1:], ranked[:at])
	ranked[0] = class
	return ranked
}

func (p *predictor) explanation(r row, class int) *predictionv1.Explanation {
	model := p.version.Compiled
	signature := model.Signature()
	against, name := softmax.Rest, ""
	if model.Link() == softmax.LinkSoftmax {
		against = p.runnerUp(r, class)
		name = model.Class(against)
	}
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
		Against:       name,
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
