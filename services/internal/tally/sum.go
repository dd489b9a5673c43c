package main

import (
	"encoding/json"
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

// sum prints the counts of each report, given as NAME=REPORT, and then their total alone on the
// last line.
func sum(reports []string, w io.Writer) error {
	var total counts
	var problems []error
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table)
	for _, report := range reports {
		name, file, ok := strings.Cut(report, "=")
		if !ok {
			return fmt.Errorf("%q, expected NAME=REPORT", report)
		}
		c, err := count(file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			problems = append(problems, fmt.Errorf("%s: did not run", name))
			fmt.Fprintf(table, "%s\tdid not run\n", name)
			continue
		case err != nil:
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
			fmt.Fprintf(table, "%s\tno report\n", name)
			continue
		case c.failed > 0:
			problems = append(problems, fmt.Errorf("%s: %d failed", name, c.failed))
		case c.passed == 0:
			problems = append(problems, fmt.Errorf("%s: no test passed", name))
		}
		fmt.Fprintf(table, "%s\t%s\n", name, c)
		total.passed += c.passed
		total.failed += c.failed
		total.skipped += c.skipped
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s\n", total)
	return errors.Join(problems...)
}

// count reads a report of either kind.
func count(path string) (c counts, err error) {
	file, err := os.Open(path)
	if err != nil {
		return counts{}, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	switch {
	case strings.HasSuffix(path, ".jsonl"):
		return countGo(file)
	case strings.HasSuffix(path, ".json"):
		return countVitest(file)
	}
	return counts{}, fmt.Errorf("%s: expected a name in .jsonl (Go) or .json (Vitest)", path)
}

// countVitest counts the tests of a report of Vitest's JSON reporter. A run that failed without
// a failed test, such as by a file that does not load, counts as one that failed.
func countVitest(report io.Reader) (counts, error) {
	var r struct {
		Success         *bool `json:"success"`
		NumPassedTests  int   `json:"numPassedTests"`
		NumFailedTests  int   `json:"numFailedTests"`
		NumPendingTests int   `json:"numPendingTests"`
		NumTodoTests    int   `json:"numTodoTests"`
	}
	if err := json.NewDecoder(report).Decode(&r); err != nil {
		return counts{}, err
	}
	if r.Success == nil {
		return counts{}, errors.New(`no "success" in the report: it is not of Vitest's JSON reporter`)
	}
	c := counts{passed: r.NumPassedTests, failed: r.NumFailedTests, skipped: r.NumPendingTests + r.NumTodoTests}
	if !*r.Success && c.failed == 0 {
		c.failed = 1
	}
	return c, nil
}
