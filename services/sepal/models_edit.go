package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// A rolloutEdit returns what becomes of a rollout, which it leaves as it is. What cannot be it
// leaves to the registry to refuse, but for what it cannot make sense of.
type rolloutEdit func(*registryv1.Rollout) (*registryv1.Rollout, error)

// promoted makes a version, or the one of a label, the stable one. Variants of it end, since it
// answers by itself now.
func promoted(name string) rolloutEdit {
	return func(r *registryv1.Rollout) (*registryv1.Rollout, error) {
		version, err := versionOf(r, name)
		if err != nil {
			return nil, err
		}
		r = proto.CloneOf(r)
		r.Stable = version
		r.Variants = slices.DeleteFunc(r.GetVariants(), func(v *registryv1.Variant) bool { return v.GetVersion() == version })
		return r, nil
	}
}

// versionOf returns the version that a text names, by itself or by a label.
func versionOf(r *registryv1.Rollout, text string) (string, error) {
	if version, is := r.GetLabels()[text]; is {
		return version, nil
	}
	if native.CheckVersion(text) != nil {
		return "", fmt.Errorf("%q is no version such as v1.0.0, and no label: %s", text, there(slices.Sorted(maps.Keys(r.GetLabels()))))
	}
	return text, nil
}

// shadowed changes which versions are scored in the shadow.
type shadowed struct {
	clear   bool // all end first
	off, on []string
}

// check returns an error if the change contradicts itself.
func (s shadowed) check() error {
	if !s.clear && len(s.off) == 0 && len(s.on) == 0 {
		return errors.New("expected VERSION, --off or --clear")
	}
	for _, version := range s.on {
		if slices.Contains(s.off, version) {
			return fmt.Errorf("%s is to be a shadow and to be none (--off), expected one of both", version)
		}
	}
	return nil
}

func (s shadowed) edit(r *registryv1.Rollout) (*registryv1.Rollout, error) {
	r = proto.CloneOf(r)
	if s.clear {
		r.Shadows = nil
	}
	for _, name := range s.off {
		version, err := versionOf(r, name)
		if err != nil {
			return nil, err
		}
		at := slices.Index(r.GetShadows(), version)
		if at < 0 {
			return nil, fmt.Errorf("%s is no shadow; %s", version, there(r.GetShadows()))
		}
		r.Shadows = slices.Delete(r.Shadows, at, at+1)
	}
	for _, name := range s.on {
		version, err := versionOf(r, name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(r.GetShadows(), version) {
			r.Shadows = append(r.Shadows, version)
		}
	}
	return r, nil
}

// labelled changes the labels.
type labelled struct {
	remove []string
	set    map[string]string // versions by name
}

// check returns an error if the change contradicts itself.
func (l labelled) check() error {
	if len(l.set) == 0 && len(l.remove) == 0 {
		return errors.New("expected NAME=VERSION or --remove")
	}
	for _, name := range l.remove {
		if _, both := l.set[name]; both {
			return fmt.Errorf("label %s is set and is to be removed, expected one of both", name)
		}
	}
	return nil
}

func (l labelled) edit(r *registryv1.Rollout) (*registryv1.Rollout, error) {
	r = proto.CloneOf(r)
	for _, name := range l.remove {
		if _, has := r.GetLabels()[name]; !has {
			return nil, fmt.Errorf("there is no label %q; %s", name, there(slices.Sorted(maps.Keys(r.GetLabels()))))
		}
		delete(r.Labels, name)
	}
	if r.Labels == nil {
		r.Labels = map[string]string{}
	}
	maps.Copy(r.Labels, l.set)
	return r, nil
}

// labelsOf reads labels such as "champion=v1.0.0".
func labelsOf(texts []string) (map[string]string, error) {
	labels := map[string]string{}
	for _, text := range texts {
		name, version, ok := strings.Cut(text, "=")
		if !ok || name == "" || version == "" {
			return nil, fmt.Errorf("found %q, expected NAME=VERSION such as champion=v1.0.0", text)
		}
		if native.CheckVersion(version) != nil {
			return nil, fmt.Errorf("found %q, whose version %q is none such as v1.0.0", text, version)
		}
		if _, twice := labels[name]; twice {
			return nil, fmt.Errorf("label %s is given twice", name)
		}
		labels[name] = version
	}
	return labels, nil
}

// there says which names there are instead of one that there is not.
func there(names []string) string {
	if len(names) == 0 {
		return "there is none"
	}
	return "there are: " + fewNames(names)
}
