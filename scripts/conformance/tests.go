package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const modulePath = "datastore"

// test is a test function that names rules.
type test struct {
	pkg, name string
	rules     []string
	result    result
}

func (t *test) String() string { return strings.TrimPrefix(t.pkg, modulePath+"/") + "." + t.name }

// result is how a test ended.
type result string

const (
	notRun  result = "not run"
	passed  result = "pass"
	failed  result = "fail"
	skipped result = "skipped"
)

// findTests parses the tests of a source tree.
func findTests(root string) ([]*test, error) {
	var tests []*test
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "bin" || strings.HasPrefix(d.Name(), ".") && path != root):
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		found, err := testsOf(path)
		for _, x := range found {
			x.pkg = modulePath + "/" + filepath.ToSlash(dir)
		}
		tests = append(tests, found...)
		return err
	})
	slices.SortFunc(tests, func(a, b *test) int { return strings.Compare(a.String(), b.String()) })
	return tests, err
}

func testsOf(path string) ([]*test, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var tests []*test
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Recv != nil {
			continue
		}
		rules := rulesOf(fn.Doc.Text())
		if len(rules) == 0 {
			continue
		}
		if !isTest(fn.Name.Name) {
			return nil, fmt.Errorf("%s: %s names rules and is no test", path, fn.Name.Name)
		}
		tests = append(tests, &test{name: fn.Name.Name, rules: rules, result: notRun})
	}
	return tests, nil
}

func isTest(name string) bool {
	return strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz") || strings.HasPrefix(name, "Example")
}

// rulesOf finds "Rules: A-1, B-2." at the beginning of a line; the list may go on in the next ones.
func rulesOf(doc string) []string {
	_, list, found := strings.Cut("\n"+doc, "\nRules:")
	if !found {
		return nil
	}
	list, _, _ = strings.Cut(list, ".")
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' })
}

// runTests runs the tests that name rules.
func (t *table) runTests(root string) error {
	var names, packages []string
	for _, x := range t.tests {
		if !slices.Contains(names, x.name) {
			names = append(names, x.name)
		}
		if !slices.Contains(packages, x.pkg) {
			packages = append(packages, x.pkg)
		}
	}
	if len(names) == 0 {
		return nil
	}
	cmd := exec.Command("go", append([]string{"test", "-json", "-run", "^(" + strings.Join(names, "|") + ")$"}, packages...)...)
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("go test: %w", err)
	}
	err = t.take(out)
	var exit *exec.ExitError
	if waitErr := cmd.Wait(); !errors.As(waitErr, &exit) { // tests that fail are in the table
		err = errors.Join(err, waitErr)
	}
	return err
}

func (t *table) readResults(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(t.take(f), f.Close())
}

// take reads the output of go test -json. Lines that are no JSON are those of a build that failed.
func (t *table) take(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct{ Action, Package, Test string }
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue
		}
		for _, x := range t.tests {
			if x.pkg == e.Package && x.name == e.Test {
				x.note(e.Action)
			}
		}
	}
	return lines.Err()
}

func (t *test) note(action string) {
	switch action {
	case "pass":
		t.result = passed
	case "fail":
		t.result = failed
	case "skip":
		t.result = skipped
	}
}
