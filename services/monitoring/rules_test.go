package monitoring_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestRules runs the cases of each alert: one in which it fires, and one in which it is quiet.
func TestRules(t *testing.T) {
	t.Parallel()
	promtool := program(t, "promtool")
	for _, args := range [][]string{
		{"check", "config", "prometheus/prometheus.yml"},
		{"test", "rules", "prometheus/sepal.rules.test.yml"},
	} {
		if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestReadmeIsAsTyped checks the configuration that the README has people try.
func TestReadmeIsAsTyped(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	written := regexp.MustCompile(`(?s)\ncat > (\S+) <<END\n(.*?)\nEND\nprometheus --config.file=(\S+) `).FindStringSubmatch(string(readme))
	if written == nil || written[1] != written[3] {
		t.Fatalf("the README writes no configuration, or uses another: %q", written)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(written[2], "$PWD", root)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), program(t, "promtool"), "check", "config", path).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "1 rule files found") {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

// TestEveryAlertIsExplained looks for the run-book line of each alert, and for its cases.
func TestEveryAlertIsExplained(t *testing.T) {
	t.Parallel()
	text := func(path string) string {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	rules, cases, book := text("prometheus/sepal.rules.yml"), text("prometheus/sepal.rules.test.yml"), text("README.md")
	alerts := regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllStringSubmatch(rules, -1)
	if len(alerts) == 0 {
		t.Fatal("there are no alerts")
	}
	for _, match := range alerts {
		name := match[1]
		if !strings.Contains(rules, "runbook: services/monitoring/README.md#"+strings.ToLower(name)+"\n") {
			t.Errorf("%s has no runbook", name)
		}
		if !strings.Contains(book, "\n### "+name+"\n") {
			t.Errorf("README.md has no section %s", name)
		}
		if !regexp.MustCompile(`- eval_time: \w+\n +alertname: ` + name + `\n +exp_alerts:\n`).MatchString(cases) {
			t.Errorf("no case shows %s firing", name)
		}
		if !regexp.MustCompile(`- \{eval_time: 60m, alertname: ` + name + `\}\n`).MatchString(cases) {
			t.Errorf("no case shows %s staying quiet", name)
		}
	}
}
