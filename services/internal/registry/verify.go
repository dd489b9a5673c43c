package registry

import (
	"context"
	"fmt"
	"io/fs"

	"golang.org/x/mod/semver"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/modelfile"
)

// Check is what was found about one aspect of a version's file.
type Check struct {
	// Name is the aspect: "read", "digest", "decode", "golden rows" or "signature".
	Name   string
	Passed bool
	// Detail is what was found, in one line.
	Detail string
}

// Verification is what was found about a version's file.
type Verification struct {
	Model, Version string
	// Checks are in the order in which they were made, up to the first that failed and that the
	// next ones need.
	Checks []Check
}

// Passed reports whether all checks passed.
func (v *Verification) Passed() bool {
	for _, c := range v.Checks {
		if !c.Passed {
			return false
		}
	}
	return true
}

// Verify reads a version's file again and checks it against what is served and what was
// published. It changes nothing. The error is a [*NotFoundError], or that of a store that cannot
// be read.
func (l *Live) Verify(ctx context.Context, model, version string) (*Verification, error) {
	r := l.Current()
	e, err := r.entry(model)
	if err != nil {
		return nil, err
	}
	if version == "" {
		version = e.rollout().GetStable()
	} else if v, err := e.version(version); err == nil {
		version = v.Version // it was a label
	}
	served, broken := e.loaded[version], e.broken[version]
	if served == nil && broken == nil {
		return nil, &NotFoundError{Model: e.name, Version: version, Exist: e.versions(), Labels: e.labels()}
	}
	var at string
	if served != nil {
		at = served.path
	} else {
		at = broken.path
	}
	if err := l.verifying.take(ctx); err != nil {
		return nil, err
	}
	defer l.verifying.give()
	files, err := await(ctx, func() (fs.FS, error) { return l.store.Files(ctx) })
	if err != nil {
		return nil, &StoreError{Place: l.store.String(), Err: err}
	}
	v := &Verification{Model: e.name, Version: version}
	data, err := await(ctx, func() ([]byte, error) { return readFile(files, at, modelfile.MaxBytes) })
	if ctx.Err() != nil {
		return nil, &StoreError{Place: l.at(at), Err: context.Cause(ctx)}
	}
	switch {
	case err != nil && broken != nil:
		v.add("read", false, "%v", broken.Err)
		return v, nil
	case err != nil:
		v.add("read", false, "%s %v", l.at(at), err)
		return v, nil
	}
	v.add("read", true, "%s, %d bytes", l.at(at), len(data))
	v.digest(e, served, digestOf(data))
	v.contents(e, data, l.options.SingleFile)
	return v, nil
}

func (v *Verification) add(name string, passed bool, format string, args ...any) {
	v.Checks = append(v.Checks, Check{Name: name, Passed: passed, Detail: fmt.Sprintf(format, args...)})
}

func (v *Verification) digest(e *entry, served *Version, digest string) {
	published := publishedDigest(e.record, v.Version)
	switch {
	case published != "" && published != digest:
		v.add("digest", false, "sha256:%s, but sha256:%s was published", digest, published)
	case served != nil && served.Digest != digest:
		v.add("digest", false, "sha256:%s, but sha256:%s is served", digest, served.Digest)
	case published != "":
		v.add("digest", true, "sha256:%s, as published", digest)
	default:
		v.add("digest", true, "sha256:%s; it was not published by this registry, so there is none to compare with", digest)
	}
}

func (v *Verification) contents(e *entry, data []byte, renamed bool) {
	found, err := decode(data, e.name, v.Version)
	if err != nil {
		v.add("decode", false, "%v", err)
		return
	}
	if !renamed && (found.Model != e.name || found.Version != v.Version) {
		v.add("decode", false, "the file is %s %s by its own account", found.Model, found.Version)
		return
	}
	v.add("decode", true, "%d features, %d classes", found.Compiled.Signature().Len(), found.Compiled.NumClasses())
	if n := len(found.File.GetGoldenRows()); n > 0 {
		v.add("golden rows", true, "%d reproduce to 1e-9", n)
	} else {
		v.add("golden rows", true, "the file has none")
	}
	stable := e.loaded[e.rollout().GetStable()]
	if stable == nil || stable.Version == v.Version {
		v.add("signature", true, "it is the stable version")
		return
	}
	v.signature(e, stable, Breaks(stable, found))
}

func (v *Verification) signature(e *entry, stable *Version, breaks []*registryv1.SignatureBreak) {
	switch {
	case len(breaks) == 0:
		v.add("signature", true, "takes the rows of %s and answers in its classes", stable.Version)
	case published(e.record, v.Version).GetForced():
		v.add("signature", true, "breaks that of %s, as was known when it was published: %s", stable.Version, described(breaks))
	case semver.Compare(v.Version, stable.Version) < 0:
		v.add("signature", true, "is older than %s, and differs: %s", stable.Version, described(breaks))
	default:
		v.add("signature", false, "breaks that of %s: %s", stable.Version, described(breaks))
	}
}
