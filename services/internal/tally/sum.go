package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"
)

// counts are numbers of tests.
type counts struct{ passed, failed, skipped int }

// String gives the counts as the last line of a run: skipped tests only where there are any.
func (c counts) String() string {
	s := fmt.Sprintf("%d passed, %d failed", c.passed, c.failed)
	if c.skipped > 0 {
		s += fmt.Sprintf(", %d skipped", c.skipped)
	}
	return s
}

// result is what a report comes to.
type result struct {
	counts
	// flaky names the tests that passed in their second run only. They are among those passed.
	flaky []string
}

// String gives the counts, and the number of flaky tests where there are any.
func (r result) String() string {
	if len(r.flaky) == 0 {
		return r.counts.String()
	}
	return fmt.Sprintf("%s, %d flaky", r.counts, len(r.flaky))
}

// add takes over what another report comes to.
func (r *result) add(o result) {
	r.passed += o.passed
	r.failed += o.failed
	r.skipped += o.skipped
	r.flaky = append(r.flaky, o.flaky...)
}

// sum prints the counts of each report, given as NAME=REPORT, and then their total alone on the
// last line, with the names of flaky tests.
func sum(reports []string, w io.Writer) error {
	var total result
	var problems []error
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table)
	for _, report := range reports {
		name, file, ok := strings.Cut(report, "=")
		if !ok {
			return fmt.Errorf("%q, expected NAME=REPORT", report)
		}
		r, err := count(file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			problems = append(problems, fmt.Errorf("%s: did not run", name))
			fmt.Fprintf(table, "%s\tdid not run\n", name)
			continue
		case err != nil:
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
			fmt.Fprintf(table, "%s\tno report\n", name)
			continue
		case r.failed > 0:
			problems = append(problems, fmt.Errorf("%s: %d failed", name, r.failed))
		case r.passed == 0:
			problems = append(problems, fmt.Errorf("%s: no test passed", name))
		}
		fmt.Fprintf(table, "%s\t%s\n", name, r)
		total.add(r)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	names := ""
	if len(total.flaky) > 0 {
		names = ": " + strings.Join(total.flaky, ", ")
	}
	fmt.Fprintf(w, "\n%s%s\n", total, names)
	return errors.Join(problems...)
}

// count reads a report of either kind.
func count(path string) (r result, err error) {
	file, err := os.Open(path)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	switch {
	case strings.HasSuffix(path, ".jsonl"):
		return countGo(file)
	case strings.HasSuffix(path, ".json"):
		return countVitest(file)
	}
	return result{}, fmt.Errorf("%s: expected a name in .jsonl (Go) or .json (Vitest)", path)
}
