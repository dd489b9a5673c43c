package native

import (
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/mod/semver"
)

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// CheckName returns a [*FormatError] if name cannot be the name of a model.
func CheckName(name string) error {
	if !namePattern.MatchString(name) {
		return refuse("name", "%q is not 1 to 64 of a-z, 0-9, \"-\", \"_\", \".\" with a letter or digit first", name)
	}
	return nil
}

// CheckVersion returns a [*FormatError] if version cannot be the version of a model: a full
// semantic version with a leading "v".
func CheckVersion(version string) error {
	if len(version) > 64 || !semver.IsValid(version) || semver.Canonical(version)+semver.Build(version) != version {
		return refuse("version", "%q is not a semantic version such as \"v1.0.0\"", version)
	}
	return nil
}

var notInNames = regexp.MustCompile(`[^a-z0-9._-]+`)

// NameOf makes a name for a model out of that of a file: "Loans 2026.csv" gives "loans-2026".
// Where nothing is left of it, the name is "model".
func NameOf(path string) string {
	const fallback, longest = "model", 64
	stem := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	name := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(stem), "-"), "._-")
	if name == "" {
		return fallback
	}
	return name[:min(len(name), longest)]
}
