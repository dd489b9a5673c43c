package trainer

import (
	"math"
	"slices"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
)

// smallestNormal stands in for a probability that underflows, so that the mean loss stays
// finite: it costs 708 nats. Below it math.Log is not exact on every processor.
const smallestNormal = 0x1p-1022

// reliabilityBins is the number of bins of confidence.
const reliabilityBins = 10

// score gathers how a model does on rows whose classes are known. Every row counts once,
// whatever its weight in training.
type score struct {
	classes       int
	rows, correct int
	loss          float64 // summed over the rows, as are the next two
	confidence    float64
	brier         float64
	confusion     []uint32
	bins          [reliabilityBins]bin
}

type bin struct {
	rows, correct int
	confidence    float64 // summed over the rows
}

func newScore(classes int) *score {
	return &score{classes: classes, confusion: make([]uint32, classes*classes)}
}

// add counts a row of that class, which was predicted with these probabilities.
func (s *score) add(probabilities []float64, predicted, label int) {
	right := 0
	if predicted == label {
		right = 1
	}
	confidence := probabilities[predicted]
	s.rows++
	s.correct += right
	s.loss += rowLoss(probabilities[label])
	s.confidence += confidence
	s.brier += distance(probabilities, label)
	s.confusion[label*s.classes+predicted]++
	b := &s.bins[binOf(confidence)]
	b.rows++
	b.correct += right
	b.confidence += confidence
}

// rowLoss returns what a row costs, in nats, whose class has that probability.
func rowLoss(probability float64) float64 { return -math.Log(max(probability, smallestNormal)) }

// distance returns the squared distance of probabilities from the truth.
func distance(probabilities []float64, label int) (sum float64) {
	for k, p := range probabilities {
		if k == label {
			p--
		}
		sum += p * p
	}
	return sum
}

// binOf returns the bin of a confidence, 0 to 1; a bin includes its upper edge.
func binOf(confidence float64) int {
	for i := 1; i < reliabilityBins; i++ {
		if confidence <= float64(i)/reliabilityBins {
			return i - 1
		}
	}
	return reliabilityBins - 1
}

func (s *score) accuracy() float64 { return float64(s.correct) / float64(s.rows) }

func (s *score) logLoss() float64 { return s.loss / float64(s.rows) }

func (s *score) meanConfidence() float64 { return s.confidence / float64(s.rows) }

// metrics returns what is known without the order of the rows by score.
func (s *score) metrics() *modelv1.HoldOutMetrics {
	return &modelv1.HoldOutMetrics{
		Rows:             uint32(s.rows),
		Accuracy:         s.accuracy(),
		LogLoss:          s.logLoss(),
		Confusion:        slices.Clone(s.confusion),
		MacroF1:          s.macroF1(),
		Brier:            s.brier / float64(s.rows),
		CalibrationError: s.calibrationError(),
		MeanConfidence:   s.meanConfidence(),
		Reliability:      s.reliability(),
	}
}

func (s *score) macroF1() float64 {
	var sum float64
	for k := range s.classes {
		var there, predicted uint32
		for c := range s.classes {
			there += s.confusion[k*s.classes+c]
			predicted += s.confusion[c*s.classes+k]
		}
		if there+predicted > 0 {
			sum += 2 * float64(s.confusion[k*s.classes+k]) / float64(there+predicted)
		}
	}
	return sum / float64(s.classes)
}

func (s *score) calibrationError() float64 {
	var sum float64
	for _, b := range s.bins {
		sum += math.Abs(float64(b.correct) - b.confidence)
	}
	return sum / float64(s.rows)
}

func (s *score) reliability() []*modelv1.ReliabilityBin {
	out := make([]*modelv1.ReliabilityBin, len(s.bins))
	for i, b := range s.bins {
		out[i] = &modelv1.ReliabilityBin{Rows: uint32(b.rows)}
		if b.rows > 0 {
			out[i].MeanConfidence = b.confidence / float64(b.rows)
			out[i].Accuracy = float64(b.correct) / float64(b.rows)
		}
	}
	return out
}

// meanAndDeviation returns the mean and the standard deviation of a population.
func meanAndDeviation(values []float64) (mean, deviation float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean) / float64(len(values))
	}
	return mean, math.Sqrt(deviation)
}
