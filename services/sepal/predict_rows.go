package main

import (
	"errors"
	"io"
	"strconv"

	"google.golang.org/protobuf/types/known/structpb"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/dataset"
)

// csvRows turns a CSV file into rows of a batch.
type csvRows struct {
	rows      *dataset.Rows
	signature *modelv1.Signature
	positions []int // the column of each feature
}

// csvRow is a row of the file and the line at which it begins.
type csvRow struct {
	line int
	row  *predictionv1.Row // nil where the line is no row
	// result is what became of the row: at once an error where the line is no row.
	result *predictionv1.RowResult
}

func newCSVRows(r io.Reader, path string, signature *modelv1.Signature) (*csvRows, error) {
	rows, err := dataset.ReadRows(r, path)
	if err != nil {
		return nil, err
	}
	positions, err := rows.Columns(namesOf(signature)...)
	if err != nil {
		return nil, err
	}
	return &csvRows{rows: rows, signature: signature, positions: positions}, nil
}

// next returns up to most rows. What ends the file, be it io.EOF, comes with the last ones.
func (c *csvRows) next(most int) ([]csvRow, error) {
	var rows []csvRow
	for len(rows) < most {
		cells, err := c.rows.Next()
		var wrong *dataset.Error
		switch {
		case err == nil:
			rows = append(rows, csvRow{line: c.rows.Line(), row: c.row(cells)})
		case errors.As(err, &wrong) && wrong.Err == nil:
			// The content of the line is at fault, such as the number of its cells.
			rows = append(rows, csvRow{line: wrong.Line, result: refused(wrong.Problem)})
		default:
			return rows, err
		}
	}
	return rows, nil
}

func (c *csvRows) row(cells []string) *predictionv1.Row {
	fields := make(map[string]*structpb.Value, len(c.positions))
	for i, f := range c.signature.GetFeatures() {
		fields[f.GetName()] = valueOf(f, cells[c.positions[i]])
	}
	return &predictionv1.Row{Inputs: &structpb.Struct{Fields: fields}}
}

// refused is the result of a line that is not worth asking the server about.
func refused(problem string) *predictionv1.RowResult {
	return &predictionv1.RowResult{Result: &predictionv1.RowResult_Error{
		Error: &predictionv1.RowError{Code: "invalid_argument", Message: problem},
	}}
}

func namesOf(signature *modelv1.Signature) []string {
	names := make([]string, len(signature.GetFeatures()))
	for i, f := range signature.GetFeatures() {
		names[i] = f.GetName()
	}
	return names
}

// inputsOf turns texts by name into inputs. Names that are no features are left to the server
// to refuse.
func inputsOf(signature *modelv1.Signature, cells map[string]string) *structpb.Struct {
	fields := make(map[string]*structpb.Value, len(cells))
	for name, cell := range cells {
		fields[name] = structpb.NewStringValue(cell)
	}
	for _, f := range signature.GetFeatures() {
		if cell, given := cells[f.GetName()]; given {
			fields[f.GetName()] = valueOf(f, cell)
		}
	}
	return &structpb.Struct{Fields: fields}
}

// valueOf returns what a cell stands for. A text that is no number stays one, for the server
// to refuse with its reason.
func valueOf(f *modelv1.Feature, cell string) *structpb.Value {
	if dataset.Missing(cell) {
		return structpb.NewNullValue()
	}
	if f.GetNumeric() != nil {
		// A number too large for a float64 becomes infinite, which the server refuses too.
		if v, err := strconv.ParseFloat(cell, 64); err == nil || errors.Is(err, strconv.ErrRange) {
			return structpb.NewNumberValue(v)
		}
	}
	return structpb.NewStringValue(cell)
}
