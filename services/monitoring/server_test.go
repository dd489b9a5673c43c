package monitoring_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// TestQueries asks a Prometheus that scrapes servers under load for everything that the rules and
// the dashboard ask, and looks at which alerts fire: one server sees rows as in training, another
// sees a feature that has moved.
func TestQueries(t *testing.T) {
	t.Parallel()
	program(t, "prometheus")
	usual, moved := startServer(t), startServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	var senders sync.WaitGroup
	t.Cleanup(senders.Wait)
	t.Cleanup(cancel)
	senders.Go(func() { usual.send(ctx, t, 0) })
	senders.Go(func() { moved.send(ctx, t, 2*petalLengthSD) })
	p := startPrometheus(t, map[string]string{"usual": usual.Address, "moved": moved.Address})

	t.Run("drift fires", func(t *testing.T) {
		eventually(t, func() error {
			firing, err := p.firing(ctx)
			if err == nil && !slices.Contains(firing, "SepalFeatureDrift moved petal_length_cm") {
				err = fmt.Errorf("firing: %q", firing)
			}
			return err
		})
		firing, err := p.firing(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, alert := range firing {
			if strings.HasPrefix(alert, "SepalFeatureDrift ") && alert != "SepalFeatureDrift moved petal_length_cm" {
				t.Errorf("%s fires", alert)
			}
		}
	})
	t.Run("rules", func(t *testing.T) {
		rules, err := p.rules(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rules {
			expression := r.Query
			if r.Type == "alerting" {
				// All compare a series with a number.
				series, rest, _ := strings.Cut(expression, " ")
				if _, err := strconv.ParseFloat(strings.TrimLeft(rest, "<> "), 64); err != nil {
					t.Errorf("%s: %s is no comparison with a number", r.Name, expression)
				}
				expression = series
			}
			p.requireSeries(ctx, t, r.Name, expression)
		}
	})
	t.Run("dashboard", func(t *testing.T) {
		d := readDashboard(t)
		for _, panel := range d.Panels {
			for _, target := range panel.Targets {
				p.requireSeries(ctx, t, panel.Title, plain(target.Expr))
			}
		}
		p.requireSeries(ctx, t, "annotations", d.Annotations.List[0].Expr)
	})
}

// requireSeries waits until an expression has a value that is a number.
func (p *prometheus) requireSeries(ctx context.Context, t *testing.T, what, expression string) {
	t.Helper()
	eventually(t, func() error {
		samples, err := p.query(ctx, expression)
		for _, s := range samples {
			text, _ := s.Value[1].(string)
			if v, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(v) {
				return nil
			}
		}
		if err == nil {
			err = fmt.Errorf("%s: no series has a number: %s", what, expression)
		}
		return err
	})
}

// firing returns the alerts that fire, each with its job and feature.
func (p *prometheus) firing(ctx context.Context) ([]string, error) {
	rules, err := p.rules(ctx)
	var firing []string
	for _, r := range rules {
		for _, a := range r.Alerts {
			if a.State == "firing" {
				firing = append(firing, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Name, a.Labels["job"], a.Labels["feature"])))
			}
		}
	}
	return firing, err
}

// petalLengthSD is the standard deviation of the feature among the rows of iris, in cm.
const petalLengthSD = 1.76

// irisRows are the rows that the model was trained on.
func irisRows(t *testing.T) [][]float64 {
	t.Helper()
	file, err := os.Open(testenv.Testdata("datasets", "iris.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := make([][]float64, 0, len(lines)-1)
	for _, line := range lines[1:] {
		row := make([]float64, 4)
		for j := range row {
			if row[j], err = strconv.ParseFloat(line[j], 64); err != nil {
				t.Fatal(err)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// served is a server with a version that answers, one in its shadow, and one that is broken.
type served struct {
	*testenv.Env
	rows [][]float64
}

func startServer(t *testing.T) *served {
	t.Helper()
	o := testenv.Options()
	o.ModelPath = testenv.IrisRegistry(t, "v1.0.0", "v1.1.0")
	broken := filepath.Join(o.ModelPath, "iris", "v0.9.0")
	if err := os.Mkdir(broken, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, "model.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &served{Env: testenv.Start(t, o), rows: irisRows(t)}
	registry := s.Registry(t, testenv.Protocols()[0])
	now, err := registry.GetRollout(t.Context(), &registryv1.GetRolloutRequest{Model: "iris"})
	if err != nil {
		t.Fatal(err)
	}
	rollout := now.GetRollout()
	rollout.Stable, rollout.Shadows = "v1.0.0", []string{"v1.1.0"}
	_, err = registry.SetRollout(t.Context(), &registryv1.SetRolloutRequest{Rollout: rollout})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// send sends rows until the context ends, one by one and together, and now and then a wrong one.
// To one feature it adds some centimetres.
func (s *served) send(ctx context.Context, t *testing.T, added float64) {
	client := s.Prediction(t, testenv.Protocols()[0])
	for ctx.Err() == nil {
		batch := &predictionv1.BatchPredictRequest{Matrix: &predictionv1.Matrix{Columns: 4}}
		for _, row := range s.rows {
			values := slices.Clone(row)
			values[2] += added
			batch.Matrix.Values = append(batch.Matrix.Values, values...)
		}
		if _, err := client.BatchPredict(ctx, batch); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
		for _, row := range s.rows[:10] {
			_, err := client.Predict(ctx, &predictionv1.PredictRequest{Features: []float64{row[0], row[1], row[2] + added, row[3]}})
			if err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
		if _, err := client.Predict(ctx, new(predictionv1.PredictRequest)); err == nil {
			t.Error("a request without features was answered")
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}
