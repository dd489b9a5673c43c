package main

import (
	"encoding/json"
	"errors"
	"io"
	"path"
)

// countVitest counts the tests of a report of Vitest's JSON reporter. A run that failed without
// a failed test, such as by a file that does not load, counts as one that failed.
func countVitest(report io.Reader) (result, error) {
	var v struct {
		Success         *bool `json:"success"`
		NumPassedTests  int   `json:"numPassedTests"`
		NumFailedTests  int   `json:"numFailedTests"`
		NumPendingTests int   `json:"numPendingTests"`
		NumTodoTests    int   `json:"numTodoTests"`
		TestResults     []struct {
			Name             string       `json:"name"`
			AssertionResults []vitestTest `json:"assertionResults"`
		} `json:"testResults"`
	}
	if err := json.NewDecoder(report).Decode(&v); err != nil {
		return result{}, err
	}
	if v.Success == nil {
		return result{}, errors.New(`no "success" in the report: it is not of Vitest's JSON reporter`)
	}
	var r result
	r.passed, r.failed, r.skipped = v.NumPassedTests, v.NumFailedTests, v.NumPendingTests+v.NumTodoTests
	if !*v.Success && r.failed == 0 {
		r.failed = 1
	}
	for _, file := range v.TestResults {
		for _, test := range file.AssertionResults {
			if test.isFlaky() {
				r.flaky = append(r.flaky, path.Base(file.Name)+": "+test.FullName)
			}
		}
	}
	return r, nil
}

type vitestTest struct {
	FullName        string   `json:"fullName"`
	Status          string   `json:"status"`
	FailureMessages []string `json:"failureMessages"`
}

// isFlaky says whether the test passed when it ran again: the reporter does not count the runs,
// but keeps what was wrong in those before the last.
func (t vitestTest) isFlaky() bool { return t.Status == "passed" && len(t.FailureMessages) > 0 }
