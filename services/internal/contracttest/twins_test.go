package contracttest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const twins = root + "/testdata/contract/twins"

func TestGateOnTwins(t *testing.T) {
	t.Parallel()
	cases, err := os.ReadDir(twins)
	if err != nil {
		t.Fatal(err)
	}
	var refusals, allowances int
	for _, c := range cases {
		dir := filepath.Join(twins, c.Name())
		want := wantedRules(t, dir)
		if slices.Contains(want, allowed) {
			allowances++
		} else {
			refusals++
		}
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			previous := workspace(t, filepath.Join(dir, "previous"))
			current := workspace(t, filepath.Join(dir, "current"))
			requireRules(t, breaking(t, current, previous), want)
		})
	}
	if refusals == 0 || allowances == 0 {
		t.Errorf("%s has %d changes to refuse and %d to allow, expected some of both", twins, refusals, allowances)
	}
}

func wantedRules(t *testing.T, dir string) []string {
	t.Helper()
	file := filepath.Join(dir, "want.txt")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rules := strings.Fields(string(data))
	if len(rules) == 0 {
		t.Fatalf("%s is empty, expected rules of buf or %q", file, allowed)
	}
	return rules
}
