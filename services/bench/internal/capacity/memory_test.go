package capacity_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/testenv"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// TestMemoryPerVersion measures what a version takes that is ready to answer, and holds the page of
// the operators against it. It runs alone: it looks at the memory of the whole process.
func TestMemoryPerVersion(t *testing.T) {
	page, err := os.ReadFile("../../../scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| ([0-9,]+) × (\d+) \| ([0-9.]+) kB \|$`).FindAllStringSubmatch(string(page), -1)
	if len(rows) < 3 {
		t.Fatalf("the page has %d rows of memory", len(rows))
	}
	for _, row := range rows {
		features, classes := number(t, row[1]), number(t, row[2])
		want := number(t, row[3])
		t.Run(row[1]+" × "+row[2], func(t *testing.T) {
			got := perVersion(t, int(features), int(classes)) / 1000
			t.Logf("%.1f kB", got)
			if got > 1.4*want || got < 0.6*want {
				t.Errorf("a version takes %.1f kB, the page says %v", got, want)
			}
		})
	}
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(regexp.MustCompile(`,`).ReplaceAllString(text, ""), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// perVersion returns the bytes of heap that a version takes beside others.
func perVersion(t *testing.T, features, classes int) float64 {
	t.Helper()
	folder := t.TempDir()
	write := func(n int) {
		t.Helper()
		path := filepath.Join(folder, "m", fmt.Sprintf("v1.0.%d", n))
		data, err := native.Encode(model(features, classes, n), native.Binary)
		if err == nil {
			err = os.MkdirAll(path, 0o750)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(path, "model.binpb"), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// heap returns what a server of the folder takes, the median of three, and lets them go.
	heap := func() float64 {
		t.Helper()
		var taken [3]float64
		for i := range taken {
			t.Run("serve", func(t *testing.T) {
				before := live()
				o := testenv.Options()
				o.ModelPath, o.DefaultModel, o.PollInterval = folder, "m", 0
				testenv.Start(t, o)
				taken[i] = live() - before
			})
		}
		slices.Sort(taken[:])
		return taken[1]
	}
	// So many that what else comes and goes in the process is little beside them.
	versions := min(max(8000/features, 4), 256)
	write(0)
	heap() // what is made once
	one := heap()
	for n := range versions {
		write(n + 1)
	}
	return (heap() - one) / float64(versions)
}

// live returns the bytes of heap that are in use, once what is on its way out is gone.
func live() float64 {
	var m runtime.MemStats
	for last := uint64(math.MaxUint64); ; last = m.HeapAlloc {
		for range 3 { // finalisers, and pools that outlive a collection
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		if m.HeapAlloc+1<<10 > last {
			return float64(m.HeapAlloc)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// model returns one without a reference profile, so without windows for drift.
func model(features, classes, n int) *modelv1.Model {
	m := &modelv1.Model{FormatVersion: 1, Name: "m", Version: fmt.Sprintf("v1.0.%d", n), Signature: new(modelv1.Signature)}
	for i := range features {
		m.Signature.Features = append(m.Signature.Features, &modelv1.Feature{
			Name: fmt.Sprintf("feature_%d", i), Kind: &modelv1.Feature_Numeric{Numeric: new(modelv1.NumericFeature)},
		})
	}
	for k := range classes {
		m.Classes = append(m.Classes, fmt.Sprintf("class_%d", k))
		m.Intercepts = append(m.Intercepts, float64(k+n)/10)
		for i := range features {
			m.Weights = append(m.Weights, float64(i%7)/100)
		}
	}
	return m
}
