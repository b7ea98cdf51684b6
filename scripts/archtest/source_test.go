package archtest

import (
	"go/ast"
	"slices"
	"strconv"
	"testing"
)

func TestStdPluginInOneFile(t *testing.T) {
	tr := loadTree(t)
	var users []string
	tr.production(func(p *pkg, src file) {
		spec := importSpec(src, "plugin")
		if spec == nil {
			return
		}
		users = append(users, src.name)
		if p.short() != "plugin/host" {
			t.Errorf("%s imports std plugin: only plugin/host opens images, because a failed open poisons the process",
				src.name)
		}
		if spec.Name == nil || spec.Name.Name != "stdplugin" {
			t.Errorf("%s imports std plugin without the alias stdplugin: it reads like our SDK of the same name", src.name)
		}
	})
	if len(users) > 1 {
		t.Errorf("std plugin is imported by %v: one file opens images, so that its table of images is complete", users)
	}
}

func TestUnsafeOnlyWhereDecided(t *testing.T) {
	loadTree(t).production(func(p *pkg, src file) {
		decided := p.short() == "keyspace/slab" || p.short() == "server/sockio"
		if !decided && importSpec(src, "unsafe") != nil {
			t.Errorf("%s imports unsafe: keyspace/slab may, it has the essay, the invariant checks and the fuzzer that make "+
				"it bearable, and server/sockio, which hands buffers to system calls and to nothing else", src.name)
		}
	})
}

func TestKeyspaceHasNoClock(t *testing.T) {
	readers := []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer", "Sleep"}
	tr := loadTree(t)
	tr.production(func(p *pkg, src file) {
		if !within(p.short(), "keyspace") || importSpec(src, "time") == nil {
			return
		}
		ast.Inspect(src.syntax, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(readers, sel.Sel.Name) {
				t.Errorf("%s: time.%s in the keyspace: time is passed in, so that a unit sees one instant and replicas "+
					"and tests see the same", tr.at(sel.Pos()), sel.Sel.Name)
			}
			return true
		})
	})
}

func TestNoInitFunctions(t *testing.T) {
	tr := loadTree(t)
	tr.production(func(p *pkg, src file) {
		for _, decl := range src.syntax.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: init(): work before main has no error, no order and no test; use a constructor",
					tr.at(fn.Pos()))
			}
		}
	})
}

func importSpec(src file, path string) *ast.ImportSpec {
	for _, spec := range src.syntax.Imports {
		if got, err := strconv.Unquote(spec.Path.Value); err == nil && got == path {
			return spec
		}
	}
	return nil
}
