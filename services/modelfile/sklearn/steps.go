package sklearn

import (
	"math"
)

// preparation is what happens to the features before the classifier sees them.
type preparation struct {
	into   *linear
	report *Report
	// impute has what stands in for a missing value of each feature; nil: a missing one is refused.
	impute []float64
}

// fold folds a step that stands right before what was folded already.
func (p *preparation) fold(s step, first bool) error {
	if err := s.checkFeatures(p.into.features); err != nil {
		return err
	}
	switch s.class {
	case "StandardScaler":
		return p.standardScaler(s)
	case "MinMaxScaler":
		return p.minMaxScaler(s)
	case "SimpleImputer":
		if !first {
			return unsupported("make it the first step, fit and dump once more", "a SimpleImputer (%q) after another step", s.name)
		}
		return p.simpleImputer(s)
	default:
		return unsupported(adviceLogistic, "a %s (%q) before the last step", s.class, s.name)
	}
}

// standardScaler folds (x - mean_) / scale_.
func (p *preparation) standardScaler(s step) error {
	withMean, err := s.flag("with_mean", true)
	if err != nil {
		return err
	}
	withStd, err := s.flag("with_std", true)
	if err != nil {
		return err
	}
	what := ""
	if withStd {
		scale, err := s.finite("scale_", p.into.features)
		if err != nil {
			return err
		}
		for i, v := range scale {
			if v == 0 {
				return s.wrong("scale_", "element %d is 0: nothing can be divided by it", i)
			}
		}
		p.into.divided(scale)
		what = "divided by scale_"
	}
	if withMean {
		mean, err := s.finite("mean_", p.into.features)
		if err != nil {
			return err
		}
		p.noteShift(s, p.into.shifted(mean, true))
		what = join("mean_ subtracted", what)
	}
	if what == "" {
		what = "does nothing"
	}
	p.report.folded("StandardScaler %q: %s", s.name, what)
	return nil
}

func join(a, b string) string {
	if b == "" {
		return a
	}
	return a + ", " + b
}

// minMaxScaler folds x·scale_ + min_.
func (p *preparation) minMaxScaler(s step) error {
	clip, err := s.flag("clip", false)
	if err != nil {
		return err
	}
	if clip {
		return unsupported("clipping is not linear: fit once more with clip=False", "a MinMaxScaler (%q) with clip=True", s.name)
	}
	scale, err := s.finite("scale_", p.into.features)
	if err != nil {
		return err
	}
	least, err := s.finite("min_", p.into.features)
	if err != nil {
		return err
	}
	p.noteShift(s, p.into.shifted(least, false))
	p.into.multiplied(scale)
	p.report.folded("MinMaxScaler %q: multiplied by scale_, min_ added", s.name)
	return nil
}

// noteShift warns where folding costs digits: an intercept that large is known no more exactly.
func (p *preparation) noteShift(s step, size float64) {
	const digits, unit = 1e3, 1.0 / (1 << 52)
	if size > digits && !math.IsInf(size, 0) {
		p.report.note("%s %q: folding moves intercepts by %.0f logits; those of scikit-learn and of the model may differ by %.0e",
			s.class, s.name, size, size*unit)
	}
}

// simpleImputer keeps what stands in for missing values.
func (p *preparation) simpleImputer(s step) error {
	missing, _ := s.attrs.get("missing_values")
	if f, ok := number(missing); !ok || !math.IsNaN(f) {
		return unsupported("mark missing values with NaN, fit and dump once more",
			"a SimpleImputer (%q) whose missing_values is %s", s.name, describeNumber(missing))
	}
	indicator, err := s.flag("add_indicator", false)
	if err != nil {
		return err
	}
	if indicator {
		return unsupported("fit once more with add_indicator=False", "a SimpleImputer (%q) with add_indicator=True", s.name)
	}
	strategy, err := s.text("strategy")
	if err != nil {
		return err
	}
	switch strategy {
	case "mean", "median", "most_frequent", "constant":
	default:
		return unsupported("use mean, median, most_frequent or constant", "a SimpleImputer (%q) with strategy=%q", s.name, strategy)
	}
	statistics, err := s.numbers("statistics_", p.into.features)
	if err != nil {
		return err
	}
	for i, v := range statistics {
		if !isFinite(v) {
			return s.wrong("statistics_", "element %d is %v: the feature had no value, and scikit-learn drops it; "+
				"fit once more without it", i, v)
		}
	}
	p.impute = statistics
	p.report.folded("SimpleImputer %q: statistics_ stand in for missing values (%s)", s.name, strategy)
	return nil
}
