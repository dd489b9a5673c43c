package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCountGo(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		stream string
		want   counts
	}{
		{"nothing", "", counts{}},
		{"one of each", `
			{"Action":"start","Package":"p"}
			{"Action":"run","Package":"p","Test":"A"}
			{"Action":"output","Package":"p","Test":"A","Output":"text\n"}
			{"Action":"pass","Package":"p","Test":"A"}
			{"Action":"run","Package":"p","Test":"B"}
			{"Action":"skip","Package":"p","Test":"B"}
			{"Action":"run","Package":"p","Test":"C"}
			{"Action":"fail","Package":"p","Test":"C"}
			{"Action":"fail","Package":"p"}`, counts{1, 1, 1}},
		{"subtests stand for their test", `
			{"Action":"run","Package":"p","Test":"A"}
			{"Action":"run","Package":"p","Test":"A/x"}
			{"Action":"run","Package":"p","Test":"A/x/1"}
			{"Action":"run","Package":"p","Test":"A/y"}
			{"Action":"pass","Package":"p","Test":"A/x/1"}
			{"Action":"pass","Package":"p","Test":"A/x"}
			{"Action":"fail","Package":"p","Test":"A/y"}
			{"Action":"fail","Package":"p","Test":"A"}
			{"Action":"fail","Package":"p"}`, counts{1, 1, 0}},
		{"a test fails of itself", `
			{"Action":"pass","Package":"p","Test":"A/x"}
			{"Action":"fail","Package":"p","Test":"A"}
			{"Action":"fail","Package":"p"}`, counts{1, 1, 0}},
		{"a package fails of itself", `
			{"Action":"start","Package":"p"}
			{"Action":"pass","Package":"p","Test":"A"}
			{"Action":"fail","Package":"p"}`, counts{1, 1, 0}},
		{"a package does not build", `
			{"Action":"build-output","ImportPath":"p","Output":"p.go:1: no\n"}
			{"Action":"build-fail","ImportPath":"p"}
			{"Action":"start","Package":"p"}
			{"Action":"fail","Package":"p"}`, counts{0, 1, 0}},
		{"a test never ends", `
			{"Action":"start","Package":"p"}
			{"Action":"run","Package":"p","Test":"A"}`, counts{0, 1, 0}},
		{"a package without tests", `
			{"Action":"start","Package":"p"}
			{"Action":"skip","Package":"p"}`, counts{}},
		{"same name in two packages", `
			{"Action":"pass","Package":"p","Test":"A"}
			{"Action":"pass","Package":"q","Test":"A"}`, counts{2, 0, 0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := countGo(strings.NewReader(test.stream))
			if err != nil || got.counts != test.want || got.flaky != nil {
				t.Errorf("got %+v and error %v, expected %+v", got, err, test.want)
			}
		})
	}
}

func TestCountVitest(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, report string
		want         counts
		refused      bool
	}{
		{"passed", `{"success":true,"numPassedTests":3,"numFailedTests":0,"numPendingTests":1,"numTodoTests":1}`, counts{3, 0, 2}, false},
		{"failed", `{"success":false,"numPassedTests":3,"numFailedTests":2}`, counts{3, 2, 0}, false},
		{"failed to load", `{"success":false,"numPassedTests":3,"numFailedTests":0}`, counts{3, 1, 0}, false},
		{"of something else", `{"name":"x"}`, counts{}, true},
		{"cut short", `{"success":true,`, counts{}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := countVitest(strings.NewReader(test.report))
			if (err != nil) != test.refused || got.counts != test.want || got.flaky != nil {
				t.Errorf("got %+v and error %v, expected %+v", got, err, test.want)
			}
		})
	}
}

func TestSum(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	report := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	goReport := report("go.jsonl", `{"Action":"pass","Package":"p","Test":"A"}`)
	skips := report("skips.jsonl", `{"Action":"pass","Package":"p","Test":"A"}`+"\n"+`{"Action":"skip","Package":"p","Test":"B"}`)
	vitest := report("ts.json", `{"success":true,"numPassedTests":2}`)
	bad := report("bad.json", `{"success":false,"numPassedTests":2,"numFailedTests":1}`)
	empty := report("empty.jsonl", "")
	flaky := report("flaky.jsonl", `{"Action":"fail","Package":"p","Test":"A"}`+"\n"+`{"Action":"pass","Package":"p","Test":"A"}`)
	retried := report("retried.json", `{"success":true,"numPassedTests":2,"testResults":[{"name":"/clients/page.test.ts","assertionResults":[`+
		`{"status":"passed","fullName":"page opens","failureMessages":["too early"]},`+
		`{"status":"passed","fullName":"page closes","failureMessages":[]}]}]}`)
	tests := []struct {
		name    string
		reports []string
		last    string
		refused bool
	}{
		{"all pass", []string{"Go=" + goReport, "TypeScript=" + vitest}, "3 passed, 0 failed", false},
		{"some are skipped", []string{"Go=" + skips, "TypeScript=" + vitest}, "3 passed, 0 failed, 1 skipped", false},
		{"some are flaky", []string{"Go=" + flaky, "TypeScript=" + retried, "More=" + skips}, "4 passed, 0 failed, 1 skipped, 2 flaky: p.A, page.test.ts: page opens", false},
		{"some fail", []string{"Go=" + goReport, "TypeScript=" + bad}, "3 passed, 1 failed", true},
		{"nothing ran", []string{"Go=" + goReport, "Empty=" + empty}, "1 passed, 0 failed", true},
		{"a report is missing", []string{"Go=" + goReport, "Gone=" + filepath.Join(dir, "gone.json")}, "1 passed, 0 failed", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := run(t.Context(), append([]string{"sum"}, test.reports...), &out, &out)
			if (err != nil) != test.refused {
				t.Errorf("error %v, expected one: %t", err, test.refused)
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if last := lines[len(lines)-1]; last != test.last {
				t.Errorf("the last line is %q, expected %q", last, test.last)
			}
		})
	}
}
