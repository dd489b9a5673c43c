package native

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/softmax"
)

// Define returns the message of a model: its signature, classes, weights, intercepts, link and
// reference row. Name, version and the rest are the caller's to add.
func Define(m *softmax.Model) *modelv1.Model {
	d := m.Definition()
	return &modelv1.Model{
		FormatVersion: FormatVersion,
		Signature:     defineSignature(d.Signature),
		Classes:       d.Classes,
		Weights:       d.Weights,
		Intercepts:    d.Intercepts,
		ReferenceRow:  d.Reference,
		Link:          defineLink(d.Link),
	}
}

func defineLink(link softmax.Link) modelv1.Link {
	if link == softmax.LinkOneVsRest {
		return modelv1.Link_LINK_ONE_VS_REST
	}
	return modelv1.Link_LINK_UNSPECIFIED
}

func compileLink(link modelv1.Link) (softmax.Link, error) {
	switch link {
	case modelv1.Link_LINK_UNSPECIFIED:
		return softmax.LinkSoftmax, nil
	case modelv1.Link_LINK_ONE_VS_REST:
		return softmax.LinkOneVsRest, nil
	}
	return 0, refuse("link", "this Sepal does not know link %d: read the file with the Sepal that wrote it, or a newer one", link)
}

func defineSignature(s *softmax.Signature) *modelv1.Signature {
	out := &modelv1.Signature{Features: make([]*modelv1.Feature, s.Len())}
	for i := range out.Features {
		out.Features[i] = defineFeature(s.Feature(i))
	}
	return out
}

func defineFeature(f *softmax.Feature) *modelv1.Feature {
	out := &modelv1.Feature{Name: f.Name, Unit: f.Unit, Description: f.Description}
	if f.Categorical() {
		categorical := &modelv1.CategoricalFeature{Categories: append([]string(nil), f.Categories...)}
		if f.Impute != nil {
			categorical.Impute = proto.String(f.Categories[int(*f.Impute)])
		}
		if f.Other != nil {
			categorical.Other = proto.String(f.Categories[*f.Other])
		}
		out.Kind = &modelv1.Feature_Categorical{Categorical: categorical}
		return out
	}
	numeric := &modelv1.NumericFeature{}
	if f.Range != nil {
		numeric.Min, numeric.Max = proto.Float64(f.Range.Min), proto.Float64(f.Range.Max)
	}
	if f.Impute != nil {
		numeric.Impute = proto.Float64(*f.Impute)
	}
	out.Kind = &modelv1.Feature_Numeric{Numeric: numeric}
	return out
}

func compileModel(m *modelv1.Model) (*softmax.Model, error) {
	var features []softmax.Feature
	for i, f := range m.GetSignature().GetFeatures() {
		compiled, err := compileFeature(f)
		if err != nil {
			return nil, refuse(fmt.Sprintf("signature.features[%d]", i), "%s", err)
		}
		features = append(features, compiled)
	}
	signature, err := softmax.NewSignature(features)
	if err != nil {
		return nil, refuseDefinition("signature.", err)
	}
	link, err := compileLink(m.GetLink())
	if err != nil {
		return nil, err
	}
	d := softmax.Definition{
		Link:       link,
		Signature:  signature,
		Classes:    m.GetClasses(),
		Weights:    m.GetWeights(),
		Intercepts: m.GetIntercepts(),
	}
	if len(m.GetReferenceRow()) > 0 {
		d.Reference = m.GetReferenceRow()
	}
	compiled, err := softmax.NewModel(d)
	if err != nil {
		return nil, refuseDefinition("", err)
	}
	return compiled, nil
}

func compileFeature(f *modelv1.Feature) (softmax.Feature, error) {
	out := softmax.Feature{Name: f.GetName(), Unit: f.GetUnit(), Description: f.GetDescription()}
	switch kind := f.GetKind().(type) {
	case *modelv1.Feature_Numeric:
		n := kind.Numeric
		if n == nil {
			n = new(modelv1.NumericFeature)
		}
		if (n.Min == nil) != (n.Max == nil) {
			return out, errors.New("min and max are given together or not at all")
		}
		if n.Min != nil {
			out.Range = &softmax.Range{Min: n.GetMin(), Max: n.GetMax()}
		}
		if n.Impute != nil {
			out.Impute = proto.Float64(n.GetImpute())
		}
	case *modelv1.Feature_Categorical:
		return out, compileCategories(&out, kind.Categorical)
	default:
		return out, errors.New("neither numeric nor categorical")
	}
	return out, nil
}

func compileCategories(out *softmax.Feature, c *modelv1.CategoricalFeature) error {
	out.Categories = c.GetCategories()
	if len(out.Categories) == 0 {
		return errors.New("a categorical feature needs at least one category")
	}
	if c.Impute != nil {
		at, err := position(out.Categories, "impute", c.GetImpute())
		if err != nil {
			return err
		}
		value := float64(at)
		out.Impute = &value
	}
	if c.Other != nil {
		at, err := position(out.Categories, "other", c.GetOther())
		if err != nil {
			return err
		}
		out.Other = &at
	}
	return nil
}

func position(categories []string, field, category string) (int, error) {
	if at := slices.Index(categories, category); at >= 0 {
		return at, nil
	}
	return 0, fmt.Errorf("%s %q is none of the categories", field, category)
}

func refuseDefinition(prefix string, err error) error {
	var d *softmax.DefinitionError
	if !errors.As(err, &d) {
		return err
	}
	field := d.Field
	if field == "reference" {
		field = "reference_row"
	}
	return refuse(prefix+field, "%s", d.Problem)
}
