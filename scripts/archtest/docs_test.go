package archtest

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

func TestPackageComments(t *testing.T) {
	for _, p := range loadTree(t).packages {
		var in []string
		sources := 0
		for _, src := range p.files {
			if src.test {
				continue
			}
			sources++
			if src.syntax.Doc != nil {
				in = append(in, src.name)
			}
		}
		if sources > 0 && len(in) != 1 {
			t.Errorf("%s has %d package comments %v: exactly one says what the package owns and what it refuses",
				p.ImportPath, len(in), in)
		}
	}
}

func TestSDKIsDocumented(t *testing.T) {
	tr := loadTree(t)
	host := hostInterfaces(tr)
	tr.production(func(p *pkg, src file) {
		if p.short() != "plugin" {
			return
		}
		for _, decl := range src.syntax.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if decl.Name.IsExported() && hasExportedReceiver(decl) && decl.Doc == nil {
					undocumented(t, tr, decl.Name)
				}
			case *ast.GenDecl:
				checkGenDecl(t, tr, decl, host)
			}
		}
	})
}

func undocumented(t *testing.T, tr *tree, name *ast.Ident) {
	t.Helper()
	t.Errorf("%s: %s has no doc comment: the SDK is what authors read instead of our code",
		tr.at(name.Pos()), name.Name)
}

func hasExportedReceiver(fn *ast.FuncDecl) bool {
	if fn.Recv == nil {
		return true
	}
	name := exprName(fn.Recv.List[0].Type)
	return name == "" || ast.IsExported(name)
}

func checkGenDecl(t *testing.T, tr *tree, decl *ast.GenDecl, host map[string]bool) {
	t.Helper()
	if decl.Tok == token.IMPORT {
		return
	}
	grouped := decl.Doc != nil
	for _, spec := range decl.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() && !grouped && spec.Doc == nil && spec.Comment == nil {
				undocumented(t, tr, spec.Name)
			}
			if iface, ok := spec.Type.(*ast.InterfaceType); ok && spec.Name.IsExported() && !host[spec.Name.Name] {
				checkMethods(t, tr, iface)
			}
		case *ast.ValueSpec:
			for _, name := range spec.Names {
				if name.IsExported() && !grouped && spec.Doc == nil && spec.Comment == nil {
					undocumented(t, tr, name)
				}
			}
		}
	}
}

func checkMethods(t *testing.T, tr *tree, iface *ast.InterfaceType) {
	t.Helper()
	for _, field := range iface.Methods.List {
		for _, name := range field.Names {
			if name.IsExported() && field.Doc == nil && field.Comment == nil {
				undocumented(t, tr, name)
			}
		}
	}
}

// hostInterfaces names the interfaces of the SDK that the host implements and authors never call: those called XImpl
// and those embedded in them. Their methods are documented on the struct X.
func hostInterfaces(tr *tree) map[string]bool {
	host := map[string]bool{}
	tr.production(func(p *pkg, src file) {
		if p.short() != "plugin" {
			return
		}
		ast.Inspect(src.syntax, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || !strings.HasSuffix(spec.Name.Name, "Impl") {
				return true
			}
			host[spec.Name.Name] = true
			if iface, ok := spec.Type.(*ast.InterfaceType); ok {
				for _, field := range iface.Methods.List {
					if len(field.Names) == 0 {
						host[exprName(field.Type)] = true
					}
				}
			}
			return true
		})
	})
	return host
}
