package softmax

import "slices"

// Definition is all there is to a model. Shapes: K classes, D encoded columns (the width of
// the signature).
type Definition struct {
	Signature *Signature
	// Classes are the names of the classes: at least two, distinct, not empty, UTF-8.
	Classes []string
	// Weights are row-major K × D: the weight of column d for class k is Weights[k*D+d].
	Weights []float64
	// Intercepts are K values, in logits.
	Intercepts []float64
	// Reference is the encoded row (D values) that explanations compare with; nil is all
	// zeros.
	Reference []float64
	// Link says how logits become probabilities.
	Link Link
}

// Model is a linear classifier, ready to predict.
type Model struct {
	signature  *Signature
	classes    []string
	weights    []float64 // D × K: the weights of a column lie side by side
	intercepts []float64
	reference  []float64
	link       Link
}

// NewModel makes a model; it keeps no reference to the slices of its argument. The error is a
// [*DefinitionError].
func NewModel(d Definition) (*Model, error) {
	if d.Signature == nil {
		return nil, undefined("signature", "is missing")
	}
	if err := checkClasses(d.Classes); err != nil {
		return nil, err
	}
	if err := checkLink(d.Link, len(d.Classes)); err != nil {
		return nil, err
	}
	k, width := len(d.Classes), d.Signature.width
	if err := checkNumbers("weights", d.Weights, k*width); err != nil {
		return nil, err
	}
	if err := checkNumbers("intercepts", d.Intercepts, k); err != nil {
		return nil, err
	}
	reference := make([]float64, width)
	if d.Reference != nil {
		if err := checkNumbers("reference", d.Reference, width); err != nil {
			return nil, err
		}
		copy(reference, d.Reference)
	}
	return &Model{
		signature:  d.Signature,
		classes:    slices.Clone(d.Classes),
		weights:    transpose(d.Weights, k, width),
		intercepts: slices.Clone(d.Intercepts),
		reference:  reference,
		link:       d.Link,
	}, nil
}

func checkClasses(classes []string) error {
	if len(classes) < 2 {
		return undefined("classes", "a classifier needs at least two, has %d", len(classes))
	}
	return checkDistinct("classes", classes)
}

func checkNumbers(field string, values []float64, want int) error {
	if len(values) != want {
		return undefined(field, "has %d values, expected %d", len(values), want)
	}
	for i, v := range values {
		if v-v != 0 {
			return undefined(field, "value %d is %v, expected a finite number", i, v)
		}
	}
	return nil
}

// transpose returns the transpose of a, which is row-major rows × cols.
func transpose(a []float64, rows, cols int) []float64 {
	t := make([]float64, len(a))
	for i := range rows {
		for j := range cols {
			t[j*rows+i] = a[i*cols+j]
		}
	}
	return t
}

// Signature returns what the model takes.
func (m *Model) Signature() *Signature { return m.signature }

// NumClasses returns the number of classes.
func (m *Model) NumClasses() int { return len(m.classes) }

// Class returns the name of class k.
func (m *Model) Class(k int) string { return m.classes[k] }

// Link says how the model's logits become probabilities.
func (m *Model) Link() Link { return m.link }

// Definition returns a copy of all there is to the model, but for the signature, which is
// shared.
func (m *Model) Definition() Definition {
	return Definition{
		Signature:  m.signature,
		Classes:    slices.Clone(m.classes),
		Weights:    transpose(m.weights, m.signature.width, len(m.classes)),
		Intercepts: slices.Clone(m.intercepts),
		Reference:  slices.Clone(m.reference),
		Link:       m.link,
	}
}
