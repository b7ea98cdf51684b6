package archtest

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const modulePath = "datastore"

// pkg is one package of the tree as `go list` knows it, with its files parsed.
type pkg struct {
	ImportPath   string
	Dir          string
	Name         string
	Standard     bool
	Imports      []string
	TestImports  []string
	XTestImports []string
	GoFiles      []string
	CgoFiles     []string
	IgnoredFiles []string `json:"IgnoredGoFiles"`
	TestGoFiles  []string
	XTestGoFiles []string

	files []file
}

// file is one parsed source.
type file struct {
	name   string // relative to the module's root
	test   bool
	syntax *ast.File
	lines  int
}

// short is the import path without the module's name.
func (p *pkg) short() string { return strings.TrimPrefix(p.ImportPath, modulePath+"/") }

// tree is the module as it is on disk.
type tree struct {
	root     string
	fset     *token.FileSet
	packages []*pkg
}

// loadTree lists and parses every package. Packages that do not compile are judged as far as they parse: to say that
// they do not build is the compiler's business.
func loadTree(t *testing.T) *tree {
	t.Helper()
	tr := &tree{root: moduleRoot(t), fset: token.NewFileSet()}
	noteFolders(t, tr.root)
	cmd := exec.Command("go", "list", "-e", "-json", "./...")
	cmd.Dir = tr.root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		p := &pkg{}
		if err := dec.Decode(p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("output of go list: %v", err)
		}
		tr.parse(t, p, p.GoFiles, false)
		tr.parse(t, p, p.CgoFiles, false)
		tr.parse(t, p, p.IgnoredFiles, false)
		tr.parse(t, p, p.TestGoFiles, true)
		tr.parse(t, p, p.XTestGoFiles, true)
		tr.packages = append(tr.packages, p)
	}
	if len(tr.packages) < 2 {
		t.Fatalf("go list found %d packages: not run in the module?", len(tr.packages))
	}
	return tr
}

// noteFolders looks at every folder. go test caches a result by what the test process itself has read; without this a
// new file or package would not run the tests again.
func noteFolders(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == ".git" || d.Name() == "bin") {
			return fs.SkipDir
		}
		return nil // a folder that vanishes meanwhile is no failure
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (tr *tree) parse(t *testing.T, p *pkg, names []string, test bool) {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(p.Dir, name)
		syntax, err := parser.ParseFile(tr.fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Logf("judged in part: %v", err)
		}
		if syntax == nil || !syntax.Package.IsValid() || ast.IsGenerated(syntax) {
			continue
		}
		rel, err := filepath.Rel(tr.root, path)
		if err != nil {
			t.Fatal(err)
		}
		test := test || strings.HasSuffix(name, "_test.go")
		p.files = append(p.files, file{rel, test, syntax, tr.fset.File(syntax.Package).LineCount()})
	}
}

// at renders a position for a message.
func (tr *tree) at(pos token.Pos) string {
	p := tr.fset.Position(pos)
	if rel, err := filepath.Rel(tr.root, p.Filename); err == nil {
		p.Filename = rel
	}
	return p.String()
}

// production calls f for every file that is not a test.
func (tr *tree) production(f func(p *pkg, src file)) {
	for _, p := range tr.packages {
		for _, src := range p.files {
			if !src.test {
				f(p, src)
			}
		}
	}
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(strings.TrimSpace(string(out)))
}

// within is true for the path itself and everything below it.
func within(path, top string) bool {
	return path == top || strings.HasPrefix(path, top+"/")
}
