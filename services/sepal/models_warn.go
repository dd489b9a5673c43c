package main

import (
	"fmt"
	"slices"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// warn says on stderr in which ways versions that are to answer from now on do not take the rows of
// the version that is stable. They may be set nevertheless: whoever sends the rows may know.
func (r *registryClient) warn(present, wanted *registryv1.Rollout) error {
	stable := present.GetStable()
	next := beginning(present, wanted)
	if stable == "" || len(next) == 0 {
		return nil
	}
	old := r.shape(present.GetModel(), stable)
	if old == nil {
		return nil
	}
	for _, version := range next {
		shape := r.shape(present.GetModel(), version)
		if shape == nil {
			continue
		}
		breaks := registry.Breaks(old, shape)
		if len(breaks) == 0 {
			continue
		}
		if _, err := fmt.Fprintf(r.stderr, "warning: %s breaks the signature of %s, which is stable now: callers that send its rows will get errors or other classes\n",
			printable(version), printable(stable)); err != nil {
			return err
		}
		for _, b := range breaks {
			if _, err := fmt.Fprintf(r.stderr, "  %s: %s\n", printable(b.GetField()), printable(b.GetDescription())); err != nil {
				return err
			}
		}
	}
	return nil
}

// beginning returns the versions that are to answer requests which name none, and do not by now, or
// not as the stable version.
func beginning(present, wanted *registryv1.Rollout) []string {
	var versions []string
	if wanted.GetStable() != present.GetStable() {
		versions = append(versions, wanted.GetStable())
	}
	for _, v := range wanted.GetVariants() {
		same := func(other *registryv1.Variant) bool {
			return other.GetVersion() == v.GetVersion() && other.GetWeight() > 0
		}
		if v.GetWeight() > 0 && v.GetVersion() != present.GetStable() && !slices.ContainsFunc(present.GetVariants(), same) &&
			!slices.Contains(versions, v.GetVersion()) {
			versions = append(versions, v.GetVersion())
		}
	}
	return versions
}

// shape returns a version with its features and classes and nothing else, or nil where there is no
// such version that can answer: that is for the change itself to refuse.
func (r *registryClient) shape(model, version string) *registry.Version {
	response, err := r.GetVersion(r.ctx, model, version)
	if err != nil {
		return nil
	}
	v := response.GetVersion()
	columns := 0
	for _, f := range v.GetSignature().GetFeatures() {
		columns += max(1, len(f.GetCategorical().GetCategories()))
	}
	compiled, err := native.Compile(&modelv1.Model{
		FormatVersion: native.FormatVersion, Name: v.GetModel(), Version: v.GetVersion(),
		Signature: v.GetSignature(), Classes: v.GetClasses(),
		Weights: make([]float64, columns*len(v.GetClasses())), Intercepts: make([]float64, len(v.GetClasses())),
	})
	if err != nil {
		return nil
	}
	return &registry.Version{Model: v.GetModel(), Version: v.GetVersion(), Compiled: compiled}
}
