package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sepal-ml/sepal/services/bench/internal/lookalike"
	"github.com/sepal-ml/sepal/services/softmax"
)

//go:embed reference.py
var reference []byte

// python is a Python with scikit-learn; nil where there is none.
type python struct{ path, folder, about string }

const probe = `import platform, numpy, sklearn
print(f"scikit-learn {sklearn.__version__}, numpy {numpy.__version__}, Python {platform.python_version()}")`

func findPython(ctx context.Context, path, folder string) (*python, error) {
	about, err := exec.CommandContext(ctx, path, "-c", probe).Output()
	if err != nil {
		return nil, fmt.Errorf("%s has no scikit-learn", path)
	}
	p := &python{path: path, folder: folder, about: strings.TrimSpace(string(about))}
	return p, os.WriteFile(filepath.Join(folder, "reference.py"), reference, 0o600)
}

func (p *python) versions() string {
	if p == nil {
		return ""
	}
	return p.about
}

// theirs is how long a solver of scikit-learn took.
type theirs struct {
	Solver  string  `json:"solver"`
	Threads int     `json:"threads"`
	Seconds float64 `json:"seconds"`
	// Stop is how long it took until it reached the objective, gave up, or was cut short.
	Stop float64 `json:"stop_seconds"`
}

// found is what scikit-learn did with a set.
type found struct {
	// Best is the fastest that came within a millionth of the minimum; nil: none did.
	Best *theirs
	// RowsPerSecond is that of predict_proba.
	RowsPerSecond float64
}

// fit lets each solver fit the set, with one thread and with two.
func (p *python) fit(ctx context.Context, data *lookalike.Set, l *line, model *softmax.Model, small bool, limit time.Duration) (*found, error) {
	if err := p.write(data, model); err != nil {
		return nil, err
	}
	rounds, out := 1, new(found)
	if small {
		rounds = 7
	}
	for _, threads := range []int{1, 2} {
		command := exec.CommandContext(ctx, p.path, filepath.Join(p.folder, "reference.py"), p.folder,
			strconv.FormatFloat(l.C, 'g', -1, 64), strconv.FormatFloat(l.Minimum*(1+within), 'g', -1, 64),
			strconv.Itoa(rounds), strconv.Itoa(int(limit.Seconds())))
		command.Env = append(os.Environ(), fmt.Sprintf("OMP_NUM_THREADS=%d", threads), fmt.Sprintf("OPENBLAS_NUM_THREADS=%d", threads))
		command.Stderr = os.Stderr
		text, err := command.Output()
		if err != nil {
			return nil, fmt.Errorf("scikit-learn: %w", err)
		}
		var answer struct {
			Solvers       []theirs `json:"solvers"`
			RowsPerSecond float64  `json:"rows_per_second"`
		}
		if err := json.Unmarshal(text, &answer); err != nil {
			return nil, fmt.Errorf("scikit-learn answered %q: %w", text, err)
		}
		out.RowsPerSecond = max(out.RowsPerSecond, answer.RowsPerSecond)
		for _, t := range answer.Solvers {
			t.Threads = threads
			fmt.Fprintf(os.Stderr, "  %s, threads: %d: %s, stopped after %.4g s\n", t.Solver, threads, seconds(t.Seconds), t.Stop)
			if t.Seconds > 0 && (out.Best == nil || t.Seconds < out.Best.Seconds) {
				out.Best = &t
			}
		}
	}
	return out, nil
}

// write puts the set, and the weights of the model to predict with, where the script finds them.
func (p *python) write(data *lookalike.Set, model *softmax.Model) error {
	labels := make([]int64, len(data.Labels))
	for i, label := range data.Labels {
		labels[i] = int64(label)
	}
	n, d := len(data.Labels), data.Columns
	definition := model.Definition()
	files := map[string]array{
		"y":         {labels, []int{n}},
		"weights":   {definition.Weights, []int{data.Classes, d}},
		"intercept": {definition.Intercepts, []int{data.Classes}},
	}
	if data.Rows != nil {
		files["x"] = array{data.Rows, []int{n, d}}
	} else {
		start := make([]int64, n+1)
		for i, v := range data.Start {
			start[i] = int64(v)
		}
		files["start"] = array{start, []int{n + 1}}
		files["index"] = array{data.Index, []int{len(data.Index)}}
		files["values"] = array{data.Values, []int{len(data.Values)}}
		files["columns"] = array{[]int64{int64(d)}, []int{1}}
	}
	old, err := filepath.Glob(filepath.Join(p.folder, "*.npy"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	for name, a := range files {
		if err := a.write(filepath.Join(p.folder, name+".npy")); err != nil {
			return err
		}
	}
	return nil
}
