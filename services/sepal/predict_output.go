package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
)

// resultWriter writes the results of many rows.
type resultWriter interface {
	// write adds the result of the row at a line of the input.
	write(line int, result *predictionv1.RowResult) error
	// flush writes what was added to the output, which so always ends with a whole line.
	flush() error
}

// newResultWriter returns a writer of the form "csv" or "json".
func newResultWriter(form string, out io.Writer, classes []string) resultWriter {
	if form == "json" {
		return &jsonWriter{out: out}
	}
	return newCSVWriter(out, classes)
}

// csvWriter writes one line per row: its line in the input, the prediction, its confidence,
// the probability of each class in the model's order, and the reason where there is none.
type csvWriter struct {
	out     io.Writer
	lines   bytes.Buffer
	csv     *csv.Writer
	classes []string
	started bool
}

func newCSVWriter(out io.Writer, classes []string) *csvWriter {
	w := &csvWriter{out: out, classes: classes}
	w.csv = csv.NewWriter(&w.lines)
	return w
}

func (w *csvWriter) start() error {
	if w.started {
		return nil
	}
	w.started = true
	header := []string{"line", "prediction", "confidence"}
	for _, class := range w.classes {
		header = append(header, "probability_"+class)
	}
	return w.csv.Write(append(header, "error"))
}

func (w *csvWriter) write(line int, result *predictionv1.RowResult) error {
	if err := w.start(); err != nil {
		return err
	}
	cells := make([]string, 0, len(w.classes)+4)
	response := result.GetResponse()
	if response == nil {
		cells = append(cells, strconv.Itoa(line), "", "")
		cells = append(cells, make([]string, len(w.classes))...)
		return w.csv.Write(append(cells, reason(result.GetError())))
	}
	probabilities := make(map[string]string, len(w.classes))
	for _, score := range response.GetScores() {
		probabilities[score.GetClass()] = shortest(score.GetProbability())
	}
	cells = append(cells, strconv.Itoa(line), response.GetPrediction(), shortest(response.GetConfidence()))
	for _, class := range w.classes {
		cells = append(cells, probabilities[class])
	}
	return w.csv.Write(append(cells, ""))
}

func (w *csvWriter) flush() error {
	if err := w.start(); err != nil {
		return err
	}
	w.csv.Flush()
	if err := w.csv.Error(); err != nil {
		return err
	}
	_, err := w.lines.WriteTo(w.out)
	return err
}

// jsonWriter writes one JSON object per line: the line of the input and the RowResult.
type jsonWriter struct {
	out   io.Writer
	lines bytes.Buffer
}

func (w *jsonWriter) write(line int, result *predictionv1.RowResult) error {
	data, err := marshalJSON(result)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(&w.lines, `{"line":%d,%s`+"\n", line, data[1:])
	return err
}

func (w *jsonWriter) flush() error {
	_, err := w.lines.WriteTo(w.out)
	return err
}

func writeJSON(w io.Writer, m proto.Message) error {
	data, err := marshalJSON(m)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", data)
	return err
}

// marshalJSON writes zeros too, and, as protojson does not, always the same white space.
func marshalJSON(m proto.Message) ([]byte, error) {
	data, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer
	err = json.Compact(&compact, data)
	return compact.Bytes(), err
}

func writeOneCSV(w io.Writer, version *registryv1.ModelVersion, response *predictionv1.PredictResponse) error {
	out := newCSVWriter(w, version.GetClasses())
	result := &predictionv1.RowResult{Result: &predictionv1.RowResult_Response{Response: response}}
	if err := out.write(1, result); err != nil {
		return err
	}
	return out.flush()
}

func shortest(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
