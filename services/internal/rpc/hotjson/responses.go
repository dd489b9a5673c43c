package hotjson

import (
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

// The methods write the fields in the order in which the contract declares them. A message that
// is nil is written as an empty one; whether it is written at all is its owner's affair.

func (w *writer) predictResponse(m *predictionv1.PredictResponse) {
	w.out = append(w.out, '{')
	w.text(`"prediction":`, m.GetPrediction())
	w.double(`"confidence":`, m.GetConfidence())
	w.text(`"modelVersion":`, m.GetModelVersion())
	w.raw(`"scores":[`)
	for _, score := range m.GetScores() {
		w.out = append(w.out, '{')
		w.text(`"class":`, score.GetClass())
		w.double(`"probability":`, score.GetProbability())
		w.end('}')
		w.out = append(w.out, ',')
	}
	w.end(']')
	w.out = append(w.out, ',')
	w.text(`"model":`, m.GetModel())
	w.text(`"variant":`, m.GetVariant())
	if explanation := m.GetExplanation(); explanation != nil {
		w.raw(`"explanation":`)
		w.explanation(explanation)
	}
	w.end('}')
}

func (w *writer) explanation(m *predictionv1.Explanation) {
	w.out = append(w.out, '{')
	w.text(`"class":`, m.GetClass())
	w.text(`"against":`, m.GetAgainst())
	w.double(`"margin":`, m.GetMargin())
	w.double(`"baseline":`, m.GetBaseline())
	w.raw(`"contributions":[`)
	for _, contribution := range m.GetContributions() {
		w.contribution(contribution)
		w.out = append(w.out, ',')
	}
	w.end(']')
	w.out = append(w.out, '}')
}

func (w *writer) contribution(m *predictionv1.Contribution) {
	w.out = append(w.out, '{')
	w.text(`"feature":`, m.GetFeature())
	switch value := m.GetValue().(type) {
	case *predictionv1.Contribution_Number:
		w.double(`"number":`, value.Number)
	case *predictionv1.Contribution_Category:
		w.text(`"category":`, value.Category)
	}
	w.double(`"contribution":`, m.GetContribution())
	w.bool(`"imputed":`, m.GetImputed())
	w.end('}')
}

func (w *writer) batchPredictResponse(m *predictionv1.BatchPredictResponse) {
	w.raw(`{"results":[`)
	for _, result := range m.GetResults() {
		w.rowResult(result)
		w.out = append(w.out, ',')
	}
	w.end(']')
	w.out = append(w.out, ',')
	if matrix := m.GetMatrix(); matrix != nil {
		w.raw(`"matrix":`)
		w.matrixResult(matrix)
		w.out = append(w.out, ',')
	}
	w.text(`"modelVersion":`, m.GetModelVersion())
	w.text(`"model":`, m.GetModel())
	w.text(`"variant":`, m.GetVariant())
	w.end('}')
}

func (w *writer) rowResult(m *predictionv1.RowResult) {
	w.out = append(w.out, '{')
	switch result := m.GetResult().(type) {
	case *predictionv1.RowResult_Response:
		w.raw(`"response":`)
		w.predictResponse(result.Response)
	case *predictionv1.RowResult_Error:
		w.raw(`"error":`)
		w.rowError(result.Error)
	}
	w.out = append(w.out, '}')
}

func (w *writer) rowError(m *predictionv1.RowError) {
	w.out = append(w.out, '{')
	w.text(`"code":`, m.GetCode())
	w.text(`"message":`, m.GetMessage())
	w.raw(`"fieldViolations":[`)
	for _, violation := range m.GetFieldViolations() {
		w.out = append(w.out, '{')
		w.text(`"field":`, violation.GetField())
		w.text(`"description":`, violation.GetDescription())
		w.end('}')
		w.out = append(w.out, ',')
	}
	w.end(']')
	w.out = append(w.out, '}')
}

func (w *writer) matrixResult(m *predictionv1.MatrixResult) {
	w.out = append(w.out, '{')
	w.texts(`"classes":`, m.GetClasses())
	w.uints(`"classIndices":`, m.GetClassIndices())
	w.doubles(`"confidences":`, m.GetConfidences())
	w.doubles(`"probabilities":`, m.GetProbabilities())
	w.raw(`"errors":[`)
	for _, rowError := range m.GetErrors() {
		w.out = append(w.out, '{')
		w.uint(`"row":`, rowError.GetRow())
		if rowError.GetError() != nil {
			w.raw(`"error":`)
			w.rowError(rowError.GetError())
		}
		w.end('}')
		w.out = append(w.out, ',')
	}
	w.end(']')
	w.out = append(w.out, '}')
}

func (w *writer) predictStreamResponse(m *predictionv1.PredictStreamResponse) {
	w.out = append(w.out, '{')
	switch result := m.GetResult().(type) {
	case *predictionv1.PredictStreamResponse_Response:
		w.raw(`"response":`)
		w.predictResponse(result.Response)
	case *predictionv1.PredictStreamResponse_Error:
		w.raw(`"error":`)
		w.rowError(result.Error)
	}
	w.out = append(w.out, '}')
}

func (w *writer) batchPredictStreamResponse(m *predictionv1.BatchPredictStreamResponse) {
	w.out = append(w.out, '{')
	w.uint(`"firstRow":`, m.GetFirstRow())
	if chunk := m.GetChunk(); chunk != nil {
		w.raw(`"chunk":`)
		w.batchPredictResponse(chunk)
	}
	w.end('}')
}
