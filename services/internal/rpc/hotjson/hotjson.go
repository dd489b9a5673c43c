// Package hotjson reads and writes the JSON of the messages that a prediction is made of, several
// times as fast as the protobuf module does. It never decides what is right: it reads only the
// plain form of a message, in which nearly every client sends it, and leaves the rest to the
// protobuf module, whose judgement and whose errors hold.
//
// What it reads, the protobuf module reads to the same message. What it writes has the bytes that
// the protobuf module writes with default values and without white space.
package hotjson

import (
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

// Unmarshal reads the message from JSON and reports whether it did. If not, the message is of
// another type, or the JSON is of a form that is not read here, right or wrong; the message is
// then in no particular state.
func Unmarshal(data []byte, message any) bool {
	r := reader{data: data}
	switch m := message.(type) {
	case *predictionv1.PredictRequest:
		m.Reset()
		return r.predictRequest(m) && r.end()
	case *predictionv1.BatchPredictRequest:
		m.Reset()
		return r.batchPredictRequest(m) && r.end()
	case *predictionv1.PredictStreamRequest:
		m.Reset()
		return r.predictStreamRequest(m) && r.end()
	case *predictionv1.BatchPredictStreamRequest:
		m.Reset()
		return r.batchPredictStreamRequest(m) && r.end()
	}
	return false
}

// Append appends the message as JSON to dst and reports whether it did. If not, the message is of
// another type, or holds text that is no UTF-8, and nothing is appended.
func Append(dst []byte, message any) ([]byte, bool) {
	w := writer{out: dst}
	switch m := message.(type) {
	case *predictionv1.PredictResponse:
		w.predictResponse(m)
	case *predictionv1.BatchPredictResponse:
		w.batchPredictResponse(m)
	case *predictionv1.PredictStreamResponse:
		w.predictStreamResponse(m)
	case *predictionv1.BatchPredictStreamResponse:
		w.batchPredictStreamResponse(m)
	default:
		return dst, false
	}
	if w.failed {
		return dst, false
	}
	return w.out, true
}
