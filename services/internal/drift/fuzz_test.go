package drift_test

import (
	"encoding/binary"
	"math"
	"testing"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/drift"
)

// FuzzNewWindow makes windows of whatever a file may hold: they count and report, and no number of
// a report is something else than one.
func FuzzNewWindow(f *testing.F) {
	f.Add([]byte{}, []byte{}, uint32(0), 0.0, 1.0, uint8(0))
	f.Add(floats(2, 5), floats(0.25, 0.25, 0.5), uint32(100), 0.25, 3.0, uint8(3))
	f.Add(floats(5, 2), floats(0.25, 0.25, 0.5), uint32(100), 0.25, 3.0, uint8(3))
	f.Add(floats(math.Inf(1)), floats(math.NaN(), 1), uint32(1), math.NaN(), -1.0, uint8(1))
	f.Add(floats(0), floats(1, 0), uint32(math.MaxUint32), 1.0, 0.0, uint8(2))
	f.Fuzz(func(t *testing.T, edges, shares []byte, rows uint32, missing, value float64, categories uint8) {
		if value-value != 0 {
			return // no model scores it
		}
		m := mixedModel()
		colours := m.GetSignature().GetFeatures()[1].GetCategorical()
		colours.Categories = make([]string, categories)
		profile := &modelv1.FeatureProfile{MissingShare: missing, Edges: values(edges), Shares: values(shares)}
		m.Reference = &modelv1.ReferenceProfile{
			Rows: rows, Features: []*modelv1.FeatureProfile{profile, profile},
			PredictedClassShares: profile.Shares, MeanConfidence: missing,
		}
		w := drift.NewWindow(m, drift.Options{MinRows: 2})
		for i := range 3 {
			w.Add([]float64{value, value}, []bool{i == 0, i == 1}, i%2, missing)
		}
		report := w.Report()
		if report.GetRows() != 3 {
			t.Errorf("counted %d rows, expected 3", report.GetRows())
		}
		for _, f := range report.GetFeatures() {
			d := f.GetDivergence()
			numbers := append([]float64{
				d.GetPsi(), d.GetPsiCritical(), d.GetJensenShannon(), f.GetMissingShare(), f.GetReferenceMissingShare(), f.GetOutOfRangeShare(),
			}, f.GetReferenceShares()...)
			for _, v := range append(numbers, f.GetShares()...) {
				if v-v != 0 || v < 0 {
					t.Errorf("got %v", f)
				}
			}
		}
		p := report.GetPredictions()
		for _, v := range []float64{p.GetDivergence().GetPsi(), p.GetMeanConfidence(), p.GetReferenceMeanConfidence()} {
			if v-v != 0 || v < 0 {
				t.Errorf("got %v", p)
			}
		}
	})
}

func floats(values ...float64) []byte {
	var out []byte
	for _, v := range values {
		out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
	}
	return out
}

func values(data []byte) []float64 {
	var out []float64
	for ; len(data) >= 8 && len(out) < 1000; data = data[8:] {
		out = append(out, math.Float64frombits(binary.LittleEndian.Uint64(data)))
	}
	return out
}
