package predictionapi

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/rpc"
	"github.com/sepal-ml/sepal/services/softmax"
)

// maxViolations is how many wrong values of one row are listed.
const maxViolations = 16

// rowSource is a message that holds a row: a PredictRequest, or a Row of a batch.
type rowSource interface {
	GetFeatures() []float64
	GetInputs() *structpb.Struct
}

// row is a row that fits the signature of its model.
type row struct {
	values  []float64
	imputed []bool // nil: none was missing
	field   string // where the row stood: "features" or "inputs"
}

// decodeRow returns the row that the source holds, or what is wrong with it.
func decodeRow(v *registry.Version, source rowSource, prefix string) (row, []rpc.Violation) {
	features, inputs := source.GetFeatures(), source.GetInputs()
	d := newDecoder(v, prefix)
	var r row
	switch {
	case len(features) > 0 && inputs != nil:
		d.refuse("inputs", "is given and features too, expected one of them")
	case inputs != nil:
		r = d.named(inputs)
	case len(features) > 0:
		r = d.ordered(features)
	default:
		d.refuse("features", "is empty, expected %s; or give the values by name in inputs", d.allFeatures())
	}
	return r, d.violations
}

type decoder struct {
	version    *registry.Version
	signature  *softmax.Signature
	prefix     string
	violations []rpc.Violation
}

func newDecoder(v *registry.Version, prefix string) decoder {
	return decoder{version: v, signature: v.Compiled.Signature(), prefix: prefix}
}

func (d *decoder) refuse(field, format string, args ...any) {
	if len(d.violations) < maxViolations {
		d.violations = append(d.violations, rpc.Violation{Field: d.prefix + rpc.Bounded(field), Description: fmt.Sprintf(format, args...)})
	}
}

func (d *decoder) ordered(features []float64) row {
	r := row{values: features, field: "features"}
	if d.signature.Check(features, 0) == nil {
		return r
	}
	if len(features) != d.signature.Len() {
		d.refuse("features", "has %d, expected %s", len(features), d.allFeatures())
		return r
	}
	d.values(features, "features", 0)
	return r
}

// values refuses what of a row as numbers fits no feature. The row begins at that position of
// the field.
func (d *decoder) values(row []float64, field string, at int) {
	for j, v := range row {
		if f := d.signature.Feature(j); !f.Accepts(v) {
			d.refuse(fmt.Sprintf("%s[%d]", field, at+j), "is %s, expected %s for %s", number(v), position(f), f.Name)
		}
	}
}

func (d *decoder) named(inputs *structpb.Struct) row {
	r := row{values: make([]float64, d.signature.Len()), field: "inputs"}
	fields := inputs.GetFields()
	for j := range r.values {
		f := d.signature.Feature(j)
		value, given := fields[f.Name]
		if !given {
			d.refuse("inputs."+f.Name, "is not given, expected %s", expected(f))
			continue
		}
		if _, null := value.GetKind().(*structpb.Value_NullValue); null && f.Impute != nil {
			if r.imputed == nil {
				r.imputed = make([]bool, len(r.values))
			}
			r.values[j], r.imputed[j] = *f.Impute, true
			continue
		}
		v, ok := valueOf(f, value)
		if !ok {
			d.refuse("inputs."+f.Name, "is %s, expected %s", found(value), expected(f))
			continue
		}
		r.values[j] = v
	}
	if len(fields) > d.signature.Len() || d.violations != nil {
		d.unknown(fields)
	}
	return r
}

// unknown refuses the names that are no features. They go first: where a name is misspelt, the
// other violation is that the right one is not given.
func (d *decoder) unknown(fields map[string]*structpb.Value) {
	missing, features := d.violations, d.allFeatures()
	d.violations = nil
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if _, known := d.signature.Index(name); !known {
			d.refuse("inputs."+name, "is no feature of %s %s, which takes %s", d.version.Model, d.version.Version, features)
		}
	}
	d.violations = append(d.violations, missing[:min(len(missing), maxViolations-len(d.violations))]...)
}

// valueOf returns the value of a feature as a row holds it.
func valueOf(f *softmax.Feature, value *structpb.Value) (float64, bool) {
	switch kind := value.GetKind().(type) {
	case *structpb.Value_NumberValue:
		return kind.NumberValue, !f.Categorical() && f.Accepts(kind.NumberValue)
	case *structpb.Value_StringValue:
		at, known := f.Position(kind.StringValue)
		return float64(at), known
	}
	return 0, false
}

// expected says what an input of the feature must be.
func expected(f *softmax.Feature) string {
	text := "a number"
	if f.Categorical() {
		text = "one of " + list(f.Categories, strconv.Quote)
		if f.Other != nil {
			text += ", or another text"
		}
	} else if f.Unit != "" {
		text += " in " + f.Unit
	}
	if f.Impute != nil {
		text += ", or null if missing"
	}
	return text
}

// position says what a number that stands for the feature must be.
func position(f *softmax.Feature) string {
	if !f.Categorical() && f.Unit != "" {
		return f.Want() + " in " + f.Unit
	}
	return f.Want()
}

// allFeatures names what a whole row holds.
func (d *decoder) allFeatures() string {
	names := make([]string, d.signature.Len())
	for j := range names {
		names[j] = d.signature.Feature(j).Name
	}
	noun := "values"
	if len(names) == 1 {
		noun = "value"
	}
	return fmt.Sprintf("%d %s (%s)", len(names), noun, list(names, func(s string) string { return s }))
}

// found shows a value that is refused, cut where it is long.
func found(value *structpb.Value) string {
	switch kind := value.GetKind().(type) {
	case *structpb.Value_NumberValue:
		return number(kind.NumberValue)
	case *structpb.Value_StringValue:
		return "the string " + strconv.Quote(rpc.Bounded(kind.StringValue))
	case *structpb.Value_BoolValue:
		return strconv.FormatBool(kind.BoolValue)
	case *structpb.Value_ListValue:
		return "a list"
	case *structpb.Value_StructValue:
		return "an object"
	default:
		return "null"
	}
}

func number(v float64) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 0):
		return "infinite"
	default:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
}

// list joins names, the first few of them where they are many.
func list(names []string, show func(string) string) string {
	const most = 12
	shown := make([]string, 0, most+1)
	for i, name := range names {
		if i == most {
			shown = append(shown, fmt.Sprintf("… %d more", len(names)-most))
			break
		}
		shown = append(shown, show(name))
	}
	return strings.Join(shown, ", ")
}
