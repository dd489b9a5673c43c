package archtest

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// publicFolders hold the packages that other programs import, at and below them.
var publicFolders = []string{"services/softmax", "services/modelfile", "services/server", "services/trainer", "clients/go"}

// selfEvident are methods whose meaning is fixed by an interface of the standard library.
var selfEvident = []string{"Error", "String", "Unwrap", "Is", "As"}

func isPublic(dir string) bool {
	if strings.Contains(dir+"/", "/internal/") {
		return false
	}
	return slices.ContainsFunc(publicFolders, func(folder string) bool {
		return dir == folder || strings.HasPrefix(dir, folder+"/")
	})
}

// undocumented returns the exported names that the file declares without a comment.
func undocumented(f goFile) []string {
	var names []string
	for _, d := range f.syntax.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			names = append(names, undocumentedFunc(d)...)
		case *ast.GenDecl:
			names = append(names, undocumentedSpecs(d)...)
		}
	}
	return names
}

func undocumentedFunc(d *ast.FuncDecl) []string {
	name := d.Name.Name
	if d.Doc != nil || !d.Name.IsExported() {
		return nil
	}
	if d.Recv != nil {
		receiver := receiverName(d.Recv.List[0].Type)
		if !ast.IsExported(receiver) || slices.Contains(selfEvident, name) {
			return nil
		}
		name = receiver + "." + name
	}
	return []string{name}
}

func receiverName(expr ast.Expr) string {
	switch e := expr.(type) {
	case *ast.StarExpr:
		return receiverName(e.X)
	case *ast.IndexExpr:
		return receiverName(e.X)
	case *ast.IndexListExpr:
		return receiverName(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// undocumentedSpecs looks at types, constants and variables. A comment on the group stands for
// the constants or variables in it; a type needs its own.
func undocumentedSpecs(d *ast.GenDecl) []string {
	var names []string
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			own := s.Doc != nil || d.Doc != nil && !d.Lparen.IsValid()
			if s.Name.IsExported() && !own {
				names = append(names, s.Name.Name)
			}
		case *ast.ValueSpec:
			if d.Doc != nil || s.Doc != nil || s.Comment != nil {
				continue
			}
			for _, name := range s.Names {
				if name.IsExported() {
					names = append(names, name.Name)
				}
			}
		}
	}
	return names
}

func TestPublicPackagesAreDocumented(t *testing.T) {
	t.Parallel()
	for dir, files := range sources(t) {
		if !isPublic(dir) {
			continue
		}
		for _, f := range files {
			if f.isTest() || f.generated() {
				continue
			}
			for _, name := range undocumented(f) {
				t.Errorf("%s: %s is exported from a public package, expected a comment", f.path, name)
			}
		}
	}
}

func TestUndocumentedFindsWhatLacksAComment(t *testing.T) {
	t.Parallel()
	const source = `package p

type A struct{}

// B is documented.
type B[T any] struct{}

type (
	// C is documented.
	C int
	D int
)

type e int

func F() {}

// G is documented.
func G() {}

func (a A) H() {}
func (b *B[T]) I() {}
func (x e) J() {}
func (a A) String() string { return "" }

const K = 1

// These are documented.
const (
	L = 1
	M = 2
)

var N, o = 1, 2 // N is documented.
var P, q = 1, 2
`
	got := undocumented(parse(t, "services/softmax/p.go", []byte(source)))
	want := []string{"A", "D", "F", "A.H", "B.I", "K", "P"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, expected %q", got, want)
	}
}

func TestIsPublic(t *testing.T) {
	t.Parallel()
	for dir, want := range map[string]bool{
		"services/softmax":                 true,
		"services/softmax/internal/kernel": false,
		"services/modelfile/native":        true,
		"services/softmaxer":               false,
		"services/internal/registry":       false,
		"services/server/internal":         false,
		"clients/go":                       true,
		"gen/go/sepal/model/v1":            false,
	} {
		if got := isPublic(dir); got != want {
			t.Errorf("isPublic(%q) is %t, expected %t", dir, got, want)
		}
	}
}
