package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	monitoringv1 "github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1"
	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/internal/drift"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/softmax"
)

// compareFile scores the rows of the file and compares them with those of training. What it left
// out is said on stderr.
func (c *driftCmd) compareFile(p *process) (*monitoringv1.DriftReport, error) {
	model := inspectCmd{Path: c.ModelPath, ModelVersion: c.ModelVersion, Model: c.Model}
	v, err := model.version(p.ctx)
	if err != nil {
		return nil, err
	}
	in, path := p.stdin, "standard input"
	if c.File != "-" {
		file, err := os.Open(c.File)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }() // it was only read
		in, path = file, c.File
	} else if isTerminal(p.stdin) {
		fmt.Fprintln(p.stderr, "reading CSV with a header from standard input; end with Ctrl-D")
	}
	rows, err := dataset.ReadRows(interruptible(p.ctx, in), path)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	s := newDriftScorer(v, drift.NewWindow(v.File, drift.Options{
		MinRows: c.MinRows, ConfidenceThreshold: c.Unsure,
		Now: func() time.Time { return now }, // all rows are of one window
	}))
	if err := s.score(rows); err != nil {
		return nil, err
	}
	if s.rows > 0 && len(s.bad) > 0 && s.failed == s.rows {
		return nil, fmt.Errorf("%s: none of the %d rows can be classified by %s %s: %s", path, s.rows, v.Model, v.Version, s.bad[0])
	}
	s.sayBad(p.stderr)
	report := s.window.Report()
	report.Model, report.Version = v.Model, v.Version
	report.Since, report.Until, report.Window = nil, nil, nil // a file has no times
	return report, nil
}

// driftScorer scores rows of a file and counts them in a window.
type driftScorer struct {
	version       *registry.Version
	window        *drift.Window
	values        []float64
	missing       []bool
	probabilities []float64
	rows, failed  int
	bad           []string // the first few that failed
}

// maxBadRows is how many rows that failed are named.
const maxBadRows = 5

func newDriftScorer(v *registry.Version, w *drift.Window) *driftScorer {
	features := v.Compiled.Signature().Len()
	return &driftScorer{
		version: v, window: w,
		values: make([]float64, features), missing: make([]bool, features),
		probabilities: make([]float64, v.Compiled.NumClasses()),
	}
}

// score reads all rows. The error is one of the file as a whole.
func (s *driftScorer) score(rows *dataset.Rows) error {
	positions, err := rows.Columns(namesOf(s.version.File.GetSignature())...)
	if err != nil {
		return err
	}
	batch := s.window.Batch()
	for {
		cells, err := rows.Next()
		var wrong *dataset.Error
		switch {
		case errors.Is(err, io.EOF):
			batch.Flush()
			return nil
		case errors.As(err, &wrong) && wrong.Err == nil:
			s.refuse(wrong.Line, wrong.Problem)
			continue
		case err != nil:
			return err
		}
		if problem := s.add(batch, cells, positions); problem != "" {
			s.refuse(rows.Line(), problem)
			continue
		}
		s.rows++
	}
}

func (s *driftScorer) refuse(line int, problem string) {
	s.rows++
	s.failed++
	if len(s.bad) < maxBadRows {
		s.bad = append(s.bad, fmt.Sprintf("line %d: %s", line, problem))
	}
}

// add counts a row, or returns why it cannot be classified.
func (s *driftScorer) add(batch *drift.Batch, cells []string, positions []int) string {
	for j := range s.values {
		f, cell := s.version.Compiled.Signature().Feature(j), cells[positions[j]]
		value, problem := cellOf(f, cell)
		if problem != "" {
			return printable(f.Name) + " " + problem
		}
		s.values[j], s.missing[j] = value, dataset.Missing(cell)
	}
	class, err := s.version.Compiled.Predict(s.probabilities, s.values)
	if err != nil {
		return "the values are too large for the model" // each of them fits
	}
	batch.Add(s.values, s.missing, class, s.probabilities[class])
	return ""
}

// cellOf returns the value of a cell as a row holds it, or what is wrong with it.
func cellOf(f *softmax.Feature, cell string) (value float64, problem string) {
	switch {
	case dataset.Missing(cell) && f.Impute != nil:
		return *f.Impute, ""
	case dataset.Missing(cell):
		return 0, "is missing, which the model does not allow"
	case f.Categorical():
		at, known := f.Position(cell)
		if !known {
			return 0, fmt.Sprintf("is %q, expected one of %s", cell, strings.Join(printables(f.Categories), ", "))
		}
		return float64(at), ""
	}
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil || !f.Accepts(v) {
		return 0, fmt.Sprintf("is %q, expected a finite number", cell)
	}
	return v, ""
}

// sayBad says which rows were left out.
func (s *driftScorer) sayBad(stderr io.Writer) {
	if s.failed == 0 {
		return
	}
	say(stderr, "%d of %d rows are left out, which the model cannot classify:", s.failed, s.rows)
	for _, problem := range s.bad {
		say(stderr, "%s", problem)
	}
	if more := s.failed - len(s.bad); more > 0 {
		say(stderr, "and %d more", more)
	}
}
