package predictionapi

import predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"

// fewScores is how many scores stand in one allocation with their response: most models have few
// classes, and an allocation costs as much as scoring a row.
const fewScores = 4

type fewResponse struct {
	response predictionv1.PredictResponse
	list     [fewScores]*predictionv1.ClassScore
	scores   [fewScores]predictionv1.ClassScore
}

// newResponse returns a response with room for that many scores.
func newResponse(scores int) *predictionv1.PredictResponse {
	if scores > fewScores {
		return &predictionv1.PredictResponse{Scores: newScores(scores)}
	}
	few := new(fewResponse)
	few.response.Scores = few.list[:scores:scores]
	for i := range few.response.Scores {
		few.list[i] = &few.scores[i]
	}
	return &few.response
}

// newScores returns scores, all but their list in one allocation.
func newScores(n int) []*predictionv1.ClassScore {
	list := make([]*predictionv1.ClassScore, n)
	places := make([]predictionv1.ClassScore, n)
	for i := range list {
		list[i] = &places[i]
	}
	return list
}
