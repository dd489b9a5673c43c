package onnx

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sepal-ml/sepal/services/modelfile/internal/oneline"
	"github.com/sepal-ml/sepal/services/softmax"
)

// found is what the outputs of a graph are.
type found struct {
	chances *chances
	// from is the output with the probabilities.
	from string
	// labels are the names that an output gives, zipped those that ZipMap gives.
	labels, zipped []string
	notes          []string
}

// outputs follows every output of the graph.
func (w *walk) outputs() (*found, error) {
	f := &found{}
	var instead error // what to say where no output has probabilities
	for _, p := range w.document.outputs {
		v, err := w.value(p.name)
		if err != nil {
			return nil, err
		}
		switch v := v.(type) {
		case *chances:
			err = f.add(v, p.name, nil)
		case *sigmoid:
			if v.first {
				err = unsupported(adviseProbabilities, "the output %s is the probability of the first class alone", quote(p.name))
				break
			}
			err = f.add(v.pair(), p.name, nil)
		case *sigmoids:
			instead = unsupported(adviseSum, "the output %s is a sigmoid per class, not divided by their sum", quote(p.name))
			f.notes = append(f.notes, "the output "+quote(p.name)+", "+v.describe()+", is left out")
		case *part:
			err = f.add(v.of, p.name, nil)
		case *zipped:
			err = f.add(v.of, p.name, v.names)
		case *label:
			err = f.name(v.names)
		case *position:
			// The classes have no names but their positions.
		case *constant:
			if names, ok := v.names(); ok && len(v.dims) == 1 && len(names) > 1 {
				err = f.name(names) // the option output_class_labels
			}
		case *scores:
			instead = unsupported(adviseProbabilities, "the graph gives raw scores and no probabilities")
			f.notes = append(f.notes, "the output "+quote(p.name)+", raw scores, is left out")
		default:
			f.notes = append(f.notes, "the output "+quote(p.name)+", "+v.describe()+", is left out")
		}
		if err != nil {
			return nil, err
		}
	}
	switch {
	case f.chances != nil:
		return f, nil
	case instead != nil:
		return nil, instead
	case len(w.document.outputs) == 0:
		return nil, malformed("the graph has no output")
	default:
		return nil, unsupported(adviseProbabilities, "no output of the graph has probabilities")
	}
}

func (f *found) add(p *chances, output string, names []string) error {
	if f.chances != nil && f.chances != p {
		return unsupported("keep one of the classifiers", "the outputs %s and %s have probabilities of different classifiers",
			quote(f.from), quote(output))
	}
	if names != nil && f.zipped != nil && !slices.Equal(names, f.zipped) {
		return malformed("the outputs name the classes differently")
	}
	if f.chances == nil || names != nil {
		f.from = output
	}
	f.chances = p
	if names != nil {
		f.zipped = names
	}
	return nil
}

func (f *found) name(names []string) error {
	if f.labels != nil && !slices.Equal(names, f.labels) {
		return malformed("the outputs name the classes differently")
	}
	f.labels = names
	return nil
}

// classes returns the names of the classes: those of the output of labels, of ZipMap, or of the
// classifier, whichever comes first.
func (w *walk) classes(f *found) ([]string, error) {
	k := len(f.chances.logits.bias)
	if f.labels != nil && f.zipped != nil && !slices.Equal(f.labels, f.zipped) {
		known := make(map[string]bool, len(f.labels))
		for _, name := range f.labels {
			known[name] = true
		}
		for _, name := range f.zipped {
			if known[name] {
				return nil, malformed("the labels and ZipMap name the classes in different orders")
			}
		}
		f.notes = append(f.notes, "the classes have the names of the labels, not the keys of the probabilities")
	}
	for _, names := range [][]string{f.labels, f.zipped, f.chances.logits.names} {
		if names == nil {
			continue
		}
		if len(names) != k {
			return nil, malformed("%d classes have %d names", k, len(names))
		}
		return names, nil
	}
	f.notes = append(f.notes, "the file does not name the classes; they are called 0 to "+strconv.Itoa(k-1))
	return w.positions(k)
}

// model makes the model of what was found.
func (w *walk) model(f *found) (*softmax.Model, error) {
	classes, err := w.classes(f)
	if err != nil {
		return nil, err
	}
	features := make([]softmax.Feature, len(w.features))
	for i, from := range w.features {
		features[i].Name = from.name
		if from.imputed {
			features[i].Impute = &w.features[i].stand
		}
	}
	signature, err := softmax.NewSignature(features)
	if err != nil {
		return nil, malformed("%v", err)
	}
	model, err := softmax.NewModel(softmax.Definition{
		Signature: signature, Classes: classes,
		Weights: f.chances.logits.weights, Intercepts: f.chances.logits.bias, Link: f.chances.link,
	})
	if err != nil {
		return nil, malformed("%v", err)
	}
	return model, nil
}

// report says what the file is and became.
func (w *walk) report(f *found) *Report {
	r := &Report{
		Format:       "ONNX",
		Producer:     oneline.Text(strings.TrimSpace(w.document.producer + " " + w.document.version)),
		Graph:        w.way(f.from),
		Folded:       abridged(w.folded),
		FeatureNames: w.named,
		Notes:        f.notes,
	}
	if f.chances.link == softmax.LinkOneVsRest {
		r.Graph += ", one against the rest"
	}
	domains := make([]string, 0, len(w.document.opsets))
	for domain := range w.document.opsets {
		domains = append(domains, domain)
	}
	slices.Sort(domains)
	for _, domain := range domains {
		r.Format += ", " + domain + " " + strconv.FormatInt(w.document.opsets[domain], 10)
	}
	r.Format = oneline.Text(r.Format)
	if w.single {
		r.Notes = append(r.Notes, "the weights are float32, widened exactly; "+
			"probabilities are worked out in float64 and differ from a float32 runtime's by about 1e-7")
	}
	r.Notes = abridged(r.Notes)
	return r
}

// abridged returns the lines, the first of them where they are many.
func abridged(lines []string) []string {
	const most = 16
	if len(lines) <= most {
		return lines
	}
	return append(slices.Clone(lines[:most]), "and "+strconv.Itoa(len(lines)-most)+" more")
}

// way returns the operators between the inputs and an output, runs of one operator as one.
func (w *walk) way(output string) string {
	var steps []string
	seen := make(map[*node]bool)
	var visit func(name string)
	visit = func(name string) {
		n := w.producers[name]
		if _, fixed := w.values[name].(*constant); n == nil || fixed || seen[n] {
			return
		}
		seen[n] = true
		for _, input := range n.inputs {
			visit(input)
		}
		steps = append(steps, n.title())
	}
	visit(output)

	var runs []string
	for i := 0; i < len(steps); {
		end := i + 1
		for end < len(steps) && steps[end] == steps[i] {
			end++
		}
		run := steps[i]
		if end > i+1 {
			run += " ×" + strconv.Itoa(end-i)
		}
		runs = append(runs, run)
		i = end
	}
	return oneline.Text(strings.Join(runs, " → "))
}
