package console_test

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/clients/console"
)

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := fs.ReadFile(console.FS(), name)
	if err != nil {
		t.Fatalf("%v; run \"npm run build --workspace console\" in clients/", err)
	}
	return string(data)
}

var (
	reference = regexp.MustCompile(`(?:src|href)="([^"#]+)"`)
	// imported is a script that another loads when it is needed.
	imported = regexp.MustCompile("import\\([\"'`]\\./([^\"'`]+)[\"'`]\\)")
)

func TestDistHasEveryFileThatThePageNames(t *testing.T) {
	t.Parallel()
	var scripts, styles int
	named := map[string]bool{}
	for _, match := range reference.FindAllStringSubmatch(read(t, "index.html"), -1) {
		name := path.Clean(match[1])
		if !fs.ValidPath(name) {
			t.Errorf("index.html names %q, expected a path relative to the page", match[1])
			continue
		}
		if read(t, name) == "" {
			t.Errorf("%s is empty", name)
		}
		named[name] = true
		switch path.Ext(name) {
		case ".js":
			scripts++
			for _, later := range imported.FindAllStringSubmatch(read(t, name), -1) {
				later := path.Join(path.Dir(name), later[1])
				if read(t, later) == "" {
					t.Errorf("%s is empty", later)
				}
				named[later] = true
			}
		case ".css":
			styles++
		}
	}
	if scripts == 0 || styles == 0 {
		t.Errorf("index.html names %d scripts and %d style sheets, expected at least one of each", scripts, styles)
	}
	assets, err := fs.ReadDir(console.FS(), "assets")
	if err != nil {
		t.Fatal(err)
	}
	for _, asset := range assets {
		if name := path.Join("assets", asset.Name()); !named[name] {
			t.Errorf("%s is in dist, but neither the page nor its script names it", name)
		}
	}
}

func TestPageHasNothingInlineThatAStrictPolicyRefuses(t *testing.T) {
	t.Parallel()
	html := strings.ToLower(read(t, "index.html"))
	for what, pattern := range map[string]string{
		"a script of its own":      `<script(?:\s[^>]*)?>\s*[^<\s]`,
		"a style sheet of its own": `<style[\s>]`,
		"a style attribute":        `<[^>]+\sstyle\s*=`,
		"an event handler":         `<[^>]+\son[a-z]+\s*=`,
	} {
		if found := regexp.MustCompile(pattern).FindString(html); found != "" {
			t.Errorf("index.html has %s: %s", what, found)
		}
	}
}
