package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// printChangelog prints what changed since the version before the given one; since the last version
// where none is given.
func (s *ship) printChangelog(ctx context.Context, version string) error {
	text, err := changelog(ctx, version)
	if err != nil {
		return err
	}
	fmt.Fprint(s.stdout, text)
	return nil
}

// changelog returns the subjects of the commits of a version, by area. It is that of HEAD, if need be
// before it has a tag.
func changelog(ctx context.Context, version string) (string, error) {
	// The tag of HEAD is that of the version itself, so its parent is asked.
	previous, err := git(ctx, "describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^")
	span := previous + "..HEAD"
	if err != nil {
		previous, span = "", "HEAD" // there is none: everything is new
	}
	log, err := git(ctx, "log", "--no-merges", "--reverse", "--format=%s", span)
	if err != nil {
		return "", err
	}
	title := cmp.Or(version, "Not released")
	if previous != "" {
		title += ", since " + previous
	}
	return "# " + title + "\n" + byArea(strings.Split(log, "\n")), nil
}

// byArea groups subjects such as "server: drain slowly" by what stands before the colon. A subject of
// several areas stands under the first.
func byArea(subjects []string) string {
	const other = "other"
	areas := map[string][]string{}
	for _, subject := range subjects {
		area, rest, ok := strings.Cut(subject, ": ")
		if !ok || area == "" || strings.ContainsAny(strings.ReplaceAll(area, ", ", ""), " \t`") {
			area, rest = other, subject
		}
		area, _, _ = strings.Cut(area, ", ")
		if rest != "" {
			areas[area] = append(areas[area], rest)
		}
	}
	var out strings.Builder
	names := slices.SortedFunc(maps.Keys(areas), func(a, b string) int {
		if (a == other) != (b == other) {
			return map[bool]int{true: 1, false: -1}[a == other]
		}
		return cmp.Compare(a, b)
	})
	for _, area := range names {
		fmt.Fprintf(&out, "\n## %s\n\n", area)
		for _, what := range areas[area] {
			fmt.Fprintf(&out, "- %s\n", what)
		}
	}
	return out.String()
}
