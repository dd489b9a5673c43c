package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// goFile is a Go source file, parsed.
type goFile struct {
	path   string // from the top of the repository, with slashes
	lines  int
	syntax *ast.File
}

func (f goFile) dir() string     { return path.Dir(f.path) }
func (f goFile) isTest() bool    { return strings.HasSuffix(f.path, "_test.go") }
func (f goFile) generated() bool { return ast.IsGenerated(f.syntax) }

// parse makes a goFile of the source.
func parse(t *testing.T, path string, source []byte) goFile {
	t.Helper()
	files := token.NewFileSet()
	syntax, err := parser.ParseFile(files, path, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return goFile{path: path, lines: files.File(syntax.FileStart).LineCount(), syntax: syntax}
}

// sources returns the Go files of the repository by folder, but for those that Go itself passes
// over: test data, installed packages, and folders that begin with a dot or an underscore.
func sources(t *testing.T) map[string][]goFile {
	t.Helper()
	byDir := make(map[string][]goFile)
	for _, file := range repositoryFiles(t, ".") {
		if path.Ext(file) != ".go" {
			continue
		}
		source, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		f := parse(t, file, source)
		byDir[f.dir()] = append(byDir[f.dir()], f)
	}
	if len(byDir) == 0 {
		t.Fatal("no Go files found")
	}
	return byDir
}

// repositoryFiles returns the paths of the files at and below dir, from the top of the repository.
// It reads the folders itself, as [sources] does the files: so the test cache sees what the tests
// depend on, which it does not of what go list reads.
func repositoryFiles(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(filepath.Join(root, dir), func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		file, err = filepath.Rel(root, file)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if file != "." && passedOver(entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		files = append(files, filepath.ToSlash(file))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// passedOver reports whether Go takes no packages from folders of that name.
func passedOver(name string) bool {
	return name == "node_modules" || name == "testdata" || strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".")
}
