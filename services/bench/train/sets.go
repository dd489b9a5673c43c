package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/sepal-ml/sepal/services/bench/internal/lookalike"
)

// set is data to fit.
type set struct {
	name string
	make func() (*lookalike.Set, error)
	c    float64
	// want is how many times as fast as scikit-learn a fit has to be.
	want float64
	// predict is how many times as many rows per second have to be predicted; 0: not measured.
	predict float64
	small   bool
}

func sets() []set {
	look := func(f func() *lookalike.Set) func() (*lookalike.Set, error) {
		return func() (*lookalike.Set, error) { return f(), nil }
	}
	file := func(name string, scaled bool) func() (*lookalike.Set, error) {
		return func() (*lookalike.Set, error) { return readSet(name, scaled) }
	}
	fraud := func(raw bool) func() *lookalike.Set {
		return func() *lookalike.Set { return lookalike.Fraud(1_000_000, raw) }
	}
	covtype := func(raw bool) func() *lookalike.Set {
		return func() *lookalike.Set { return lookalike.Covtype(500_000, raw) }
	}
	return []set{
		{name: "iris", make: file("iris", false), c: 1, want: 8, predict: 3, small: true},
		{name: "breast_cancer", make: file("breast_cancer", false), c: 1, want: 3, small: true},
		{name: "breast_cancer_scaled", make: file("breast_cancer", true), c: 1, want: 10, small: true},
		{name: "digits", make: file("digits", false), c: 1, want: 6, small: true},
		{name: "fraud", make: look(fraud(false)), c: 1, want: 12, predict: 3},
		{name: "covtype", make: look(covtype(false)), c: 1, want: 80, predict: 3},
		{name: "mnist", make: look(func() *lookalike.Set { return lookalike.MNIST(60_000) }), c: 1, want: 9, predict: 1},
		{name: "text", make: look(func() *lookalike.Set { return lookalike.Text(20_000) }), c: 1, want: 6.5},
		{name: "iris_c1e-4", make: file("iris", false), c: 1e-4, want: 1, small: true},
		{name: "iris_c1e6", make: file("iris", false), c: 1e6, want: 1, small: true},
		{name: "breast_cancer_c1e6", make: file("breast_cancer", false), c: 1e6, want: 1, small: true},
		{name: "digits_c1e-4", make: file("digits", false), c: 1e-4, want: 1, small: true},
		{name: "digits_c1e6", make: file("digits", true), c: 1e6, want: 1, small: true},
		{name: "fraud_raw", make: look(fraud(true)), c: 1, want: 1},
		{name: "covtype_raw", make: look(covtype(true)), c: 1, want: 1},
		{name: "few_rows", make: look(func() *lookalike.Set { return firstRows(lookalike.MNIST(200), 200) }), c: 1, want: 1, small: true},
		{name: "many_classes", make: look(func() *lookalike.Set { return manyClasses(5000, 20, 100) }), c: 1, want: 1, small: true},
	}
}

func setNames() []string {
	var names []string
	for _, s := range sets() {
		names = append(names, s.name)
	}
	return names
}

func firstRows(s *lookalike.Set, n int) *lookalike.Set {
	s.Rows, s.Labels = s.Rows[:n*s.Columns], s.Labels[:n]
	return s
}

// manyClasses are rows around as many centres as there are classes, of columns of rather
// different scales.
func manyClasses(n, columns, classes int) *lookalike.Set {
	noise := lookalike.Normals(71, n*columns)
	centres := lookalike.Normals(72, classes*columns)
	s := &lookalike.Set{Name: "many classes", Rows: noise, Columns: columns, Classes: classes, Labels: make([]int, n)}
	for i := range n {
		s.Labels[i] = i % classes
		for j := range columns {
			scale := float64(int(1) << (j % 10))
			s.Rows[i*columns+j] = (noise[i*columns+j] + centres[s.Labels[i]*columns+j]) * scale
		}
	}
	return s
}

// readSet reads a set from testdata. Its columns are put in terms of their standard deviations, or
// left as they are.
func readSet(name string, scaled bool) (*lookalike.Set, error) {
	path := filepath.Join("testdata", "oracles", name+".csv")
	if name == "iris" {
		path = filepath.Join("testdata", "datasets", "iris.csv")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w; run it at the top of the repository", err)
	}
	defer func() { _ = file.Close() }()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return nil, err
	}
	s := &lookalike.Set{Name: name, Columns: len(lines[0]) - 1}
	classes := map[string]int{}
	for _, line := range lines[1:] {
		for _, cell := range line[:s.Columns] {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			s.Rows = append(s.Rows, v)
		}
		label, known := classes[line[s.Columns]]
		if !known {
			label = len(classes)
			classes[line[s.Columns]] = label
		}
		s.Labels = append(s.Labels, label)
	}
	s.Classes = len(classes)
	if scaled {
		s.Standardise()
	}
	return s, nil
}
