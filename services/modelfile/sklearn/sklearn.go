// Package sklearn reads models that scikit-learn wrote: a LogisticRegression, whether a softmax or
// fitted one class against the rest, or a Pipeline of SimpleImputer, StandardScaler and MinMaxScaler
// before one, dumped with pickle (protocols 2 to 5) or joblib.
//
// A pickle is a program. This package runs its instructions on values that do nothing: a class is
// its name, an object is its name and its attributes, and no name outside of a short list may be
// used at all. So nothing in a file can run code, whatever it asks for. What a file may cost is
// bounded too: see MaxBytes.
//
// The package does no I/O. Its functions may be called from any number of goroutines.
package sklearn

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sepal-ml/sepal/services/softmax"

	"github.com/sepal-ml/sepal/services/modelfile/internal/oneline"
)

// MaxBytes is the size of the largest pickle that is read, after decompression: 64 MiB.
const MaxBytes = 64 << 20

// maxFeatures bounds the features and the classes of a model.
const maxFeatures = 1 << 20

// Report says what a file held and what became of it.
type Report struct {
	// Format is the container, such as "pickle protocol 4" or "joblib, zlib".
	Format string
	// LibraryVersion is the version of scikit-learn that wrote the file, such as "1.2.1"; "" if
	// the file does not say.
	LibraryVersion string
	// Estimator is what the file holds, such as "Pipeline(StandardScaler, LogisticRegression)";
	// and then ", one against the rest" where the probabilities are no softmax.
	Estimator string
	// Folded says, one phrase for each step of a pipeline in its order, what the model does in
	// the step's place.
	Folded []string
	// FeatureNames says whether the file names the features. They are called x0, x1 and so on
	// otherwise, as scikit-learn does.
	FeatureNames bool
	// Notes are what a user should know about the import, one sentence each.
	Notes []string
}

func (r *Report) note(format string, args ...any) {
	r.Notes = append(r.Notes, oneline.Text(fmt.Sprintf(format, args...)))
}

func (r *Report) folded(format string, args ...any) {
	r.Folded = append(r.Folded, oneline.Text(fmt.Sprintf(format, args...)))
}

// Decode reads a model file. The model takes raw values: what the steps of a pipeline do is folded
// into its weights, and what a SimpleImputer fills in is the features' Impute. Classes that are no
// texts are called what Python's str() makes of them.
//
// The error is a [*FormatError] or an [*UnsupportedError].
func Decode(data []byte) (*softmax.Model, *Report, error) {
	if len(data) == 0 {
		return nil, nil, refuse("the file is empty")
	}
	if len(data) > MaxBytes {
		return nil, nil, refuse("the file has more than the %d bytes that are read", MaxBytes)
	}
	src, compression, err := openFile(data)
	if err != nil {
		return nil, nil, err
	}
	src.limit = min(src.limit, MaxBytes)
	m := newMachine(src, instructions)
	root, err := m.run()
	if err != nil {
		return nil, nil, err
	}
	if err := src.end(); err != nil {
		return nil, nil, located(err, "byte %d", src.pos)
	}
	report := &Report{Format: m.format(compression)}
	model, err := makeModel(root, report)
	if err != nil {
		return nil, nil, err
	}
	return model, report, nil
}

func (m *machine) format(compression string) string {
	name := "pickle protocol " + strconv.Itoa(int(m.protocol))
	if m.used.arrays > 0 {
		name = "joblib"
	}
	if compression != "" {
		name += ", " + compression
	}
	return name
}

// Sniff reports whether the data begin as a pickle of protocol 2 to 5 or a joblib dump of one.
// Those of joblib may be compressed; of the compressions that Decode refuses, only their mark is
// looked at. Protocols 0 and 1 are text and cannot be told.
func Sniff(data []byte) bool {
	c := compressionOf(data)
	if c == nil {
		return beginsAsPickle(data)
	}
	if c.open == nil {
		return true
	}
	inflated, err := c.open(bytes.NewReader(data))
	if err != nil {
		return false
	}
	src := &source{more: inflated, limit: MaxBytes}
	head, err := src.take(3)
	return err == nil && beginsAsPickle(head)
}

// makeModel reads what a pickle made.
func makeModel(root value, report *Report) (*softmax.Model, error) {
	if !isEstimator(root) {
		return nil, unsupported(adviceDump, "a file that holds %s", kind(root))
	}
	e, err := newEstimator(root)
	if err != nil {
		return nil, refuse("the file holds %s", err)
	}
	steps := []step{{estimator: e}}
	if e.class == "Pipeline" {
		if steps, err = stepsOf(e); err != nil {
			return nil, err
		}
	}
	last := steps[len(steps)-1]
	report.Estimator = describe(e, steps)
	if last.class != "LogisticRegression" {
		return nil, unsupported(adviceLogistic, "a %s as the classifier", last.class)
	}
	report.LibraryVersion = last.version()
	into, err := readLogistic(last.estimator, report)
	if err != nil {
		return nil, err
	}
	if into.link == softmax.LinkOneVsRest {
		report.Estimator += ", one against the rest"
	}
	p := &preparation{into: into, report: report}
	for i, s := range slices.Backward(steps[:len(steps)-1]) {
		if err := p.fold(s, i == 0); err != nil {
			return nil, err
		}
	}
	slices.Reverse(report.Folded)
	names, err := steps[0].names(into.features)
	if err != nil {
		return nil, err
	}
	report.FeatureNames = names != nil
	return p.model(names)
}

// describe returns the classes that the file holds.
func describe(root *estimator, steps []step) string {
	if root.class != "Pipeline" {
		return root.class
	}
	classes := make([]string, len(steps))
	for i, s := range steps {
		classes[i] = s.class
	}
	return oneline.Text("Pipeline(" + strings.Join(classes, ", ") + ")")
}

// model makes the model of what was read and folded.
func (p *preparation) model(names []string) (*softmax.Model, error) {
	if !p.into.finite() {
		return nil, refuse("the weights are not finite numbers any more once the steps before the classifier are folded into them")
	}
	features := make([]softmax.Feature, p.into.features)
	for i := range features {
		if names != nil {
			features[i].Name = names[i]
		} else {
			features[i].Name = "x" + strconv.Itoa(i)
		}
		if p.impute != nil {
			features[i].Impute = &p.impute[i]
		}
	}
	signature, err := softmax.NewSignature(features)
	if err != nil {
		return nil, undefinable(err)
	}
	model, err := softmax.NewModel(softmax.Definition{
		Signature: signature, Classes: p.into.classes, Weights: p.into.weights, Intercepts: p.into.intercepts, Link: p.into.link,
	})
	if err != nil {
		return nil, undefinable(err)
	}
	return model, nil
}

// undefinable says why the engine takes no such model.
func undefinable(err error) error {
	if d := new(softmax.DefinitionError); errors.As(err, &d) {
		return refuse("%s: %s", d.Field, d.Problem)
	}
	return refuse("%s", err)
}
