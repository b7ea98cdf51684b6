package archtest

import (
	"errors"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"testing"
)

// Package-level variables are state that every test and every server of a process shares, so they must be constants
// that Go cannot express. A package-level var passes if it is
//
//   - blank: an interface assertion;
//   - filled by //go:embed;
//   - or initialised where it is declared and never changed afterwards: no statement of the package assigns to it or
//     to a part of it, increments it, takes its address, deletes from it, clears it or copies into it, and no other
//     package of ours assigns to it. Its value must be of a kind that makes sense unchanged: a literal, a composite
//     literal of a type that is not from sync or sync/atomic, a conversion, an error sentinel, or the result of a call
//     that builds a table: a function literal, a function in pureCalls, or a function of the package itself that
//     returns no pointer, interface or channel. make and new are not: they only make sense filled later.
//
// In plugin, the SDK, only blank ones and errors pass: it is linked into every module.

// pureCalls are functions whose result is a value that nobody changes.
var pureCalls = []string{
	"errors.New", "fmt.Errorf", "fmt.Sprintf", "regexp.MustCompile", "strings.NewReplacer", "strings.Repeat",
	"crc64.MakeTable", "crc32.MakeTable", "template.Must", "netip.MustParseAddr", "netip.MustParsePrefix",
	"math.Inf", "math.NaN", "slices.Sorted", "len", "append", "string", "min", "max",
	"sync.OnceValue", "sync.OnceValues", // a constant that is computed at its first use
}

var errNotTypeChecked = errors.New("imports are not needed to resolve names of one package")

// noImports lets go/types resolve the names inside one package without compiling what it imports.
type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errNotTypeChecked }

func TestNoMutablePackageState(t *testing.T) {
	tr := loadTree(t)
	assigned := foreignAssignments(tr)
	for _, p := range tr.packages {
		info := resolve(tr, p)
		changed := changedVars(p, info)
		for _, src := range p.files {
			if src.test {
				continue
			}
			for _, v := range packageVars(src) {
				if reason := varProblem(p, v, info, changed); reason != "" {
					t.Errorf("%s: package-level variable %s %s: state belongs to a value that a constructor returns, so "+
						"that two servers can live in one process and tests do not see each other",
						tr.at(v.name.Pos()), v.name.Name, reason)
				}
				if where, ok := assigned[p.ImportPath+"."+v.name.Name]; ok {
					t.Errorf("%s: assigns to %s.%s of another package", where, p.Name, v.name.Name)
				}
			}
		}
	}
}

// packageVar is one name of a package-level var declaration.
type packageVar struct {
	name     *ast.Ident
	value    ast.Expr // nil without initialiser
	embedded bool
}

func packageVars(src file) []packageVar {
	var out []packageVar
	for _, decl := range src.syntax.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.VAR {
			continue
		}
		for _, spec := range gen.Specs {
			vs := spec.(*ast.ValueSpec)
			embedded := hasEmbed(gen.Doc) || hasEmbed(vs.Doc)
			for i, name := range vs.Names {
				v := packageVar{name: name, embedded: embedded}
				if len(vs.Values) == len(vs.Names) {
					v.value = vs.Values[i]
				} else if len(vs.Values) == 1 {
					v.value = vs.Values[0]
				}
				out = append(out, v)
			}
		}
	}
	return out
}

func hasEmbed(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool {
		return strings.HasPrefix(c.Text, "//go:embed ")
	})
}

func varProblem(p *pkg, v packageVar, info *types.Info, changed map[types.Object]bool) string {
	isError := strings.HasPrefix(v.name.Name, "Err") || strings.HasPrefix(v.name.Name, "err")
	switch {
	case v.name.Name == "_" || v.embedded:
		return ""
	case p.short() == "plugin" && !isError:
		return "is in the SDK, which holds no variables"
	case v.value == nil:
		return "has no value where it is declared"
	case changed[info.Defs[v.name]]:
		return "is changed by its package"
	case isError:
		return ""
	}
	return valueProblem(v.value, info)
}

// valueProblem judges an initialiser.
func valueProblem(value ast.Expr, info *types.Info) string {
	switch e := value.(type) {
	case *ast.BasicLit, *ast.Ident, *ast.SelectorExpr, *ast.FuncLit, *ast.BinaryExpr, *ast.IndexExpr, *ast.SliceExpr,
		*ast.TypeAssertExpr:
		return ""
	case *ast.ParenExpr:
		return valueProblem(e.X, info)
	case *ast.UnaryExpr:
		return valueProblem(e.X, info)
	case *ast.CompositeLit:
		if name := exprName(e.Type); strings.HasPrefix(name, "sync.") || strings.HasPrefix(name, "atomic.") {
			return "holds a " + name
		}
		return ""
	case *ast.CallExpr:
		return callProblem(e, info)
	}
	return "has an initialiser that this test does not know to be constant"
}

func callProblem(call *ast.CallExpr, info *types.Info) string {
	switch fun := call.Fun.(type) {
	case *ast.FuncLit, *ast.ArrayType, *ast.MapType, *ast.ParenExpr:
		return "" // builds a table, or converts
	case *ast.Ident, *ast.SelectorExpr, *ast.IndexExpr:
		name := exprName(fun)
		if slices.Contains(pureCalls, name) || buildsValue(fun, info) {
			return ""
		}
		return "is the result of " + name + ", which is neither pure by the list nor a builder of this package"
	}
	return "is the result of a call"
}

// buildsValue: a conversion to a type of the package, or a function of the package whose result cannot be changed
// behind the variable's back.
func buildsValue(fun ast.Expr, info *types.Info) bool {
	if ix, ok := fun.(*ast.IndexExpr); ok {
		fun = ix.X
	}
	id, ok := fun.(*ast.Ident)
	if !ok {
		return false
	}
	switch obj := info.Uses[id].(type) {
	case *types.TypeName:
		return true
	case *types.Func:
		results := obj.Signature().Results()
		if results.Len() != 1 {
			return false
		}
		switch results.At(0).Type().Underlying().(type) {
		case *types.Pointer, *types.Interface, *types.Chan:
			return false
		}
		return true
	}
	return false
}

func exprName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return exprName(e.X) + "." + e.Sel.Name
	case *ast.IndexExpr:
		return exprName(e.X)
	case *ast.StarExpr:
		return exprName(e.X)
	}
	return ""
}

// resolve finds what each name inside the package means; imports stay unresolved, errors are the compiler's business.
func resolve(tr *tree, p *pkg) *types.Info {
	info := &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	var files []*ast.File
	for _, src := range p.files {
		if src.syntax.Name.Name == p.Name {
			files = append(files, src.syntax)
		}
	}
	conf := types.Config{Importer: noImports{}, Error: func(error) {}}
	_, _ = conf.Check(p.ImportPath, tr.fset, files, info)
	return info
}

// changedVars collects the objects at the root of everything that the package's production files change.
func changedVars(p *pkg, info *types.Info) map[types.Object]bool {
	changed := map[types.Object]bool{}
	for _, src := range p.files {
		if src.test {
			continue
		}
		ast.Inspect(src.syntax, func(n ast.Node) bool {
			for _, target := range changes(n) {
				if id := rootIdent(target); id != nil {
					if obj := info.Uses[id]; obj != nil {
						changed[obj] = true
					}
				}
			}
			return true
		})
	}
	return changed
}

// changes returns the expressions that a node writes to or makes writable.
func changes(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		return n.Lhs
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			return []ast.Expr{n.Key, n.Value}
		}
	case *ast.UnaryExpr:
		if n.Op == token.AND && !isElement(n.X) {
			return []ast.Expr{n.X}
		}
	case *ast.CallExpr:
		name := exprName(n.Fun)
		if len(n.Args) > 0 && slices.Contains([]string{"delete", "clear", "copy"}, name) {
			return n.Args[:1]
		}
	}
	return nil
}

// isElement: the address of an element of a table is how readers avoid copying it; they are trusted.
func isElement(e ast.Expr) bool {
	_, ok := e.(*ast.IndexExpr)
	return ok
}

func rootIdent(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// foreignAssignments finds assignments to variables of other packages: import path + "." + name to position.
func foreignAssignments(tr *tree) map[string]string {
	out := map[string]string{}
	tr.production(func(p *pkg, src file) {
		names := importNames(src)
		ast.Inspect(src.syntax, func(n ast.Node) bool {
			assign, ok := n.(*ast.AssignStmt)
			if !ok || assign.Tok == token.DEFINE {
				return true
			}
			for _, target := range assign.Lhs {
				if sel, ok := target.(*ast.SelectorExpr); ok {
					if x, ok := sel.X.(*ast.Ident); ok && names[x.Name] != "" {
						out[names[x.Name]+"."+sel.Sel.Name] = tr.at(sel.Pos())
					}
				}
			}
			return true
		})
	})
	return out
}

// importNames maps the names of the file's imports of our own packages to their paths.
func importNames(src file) map[string]string {
	out := map[string]string{}
	for _, spec := range src.syntax.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		if !within(path, modulePath) {
			continue
		}
		name := path[strings.LastIndex(path, "/")+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		out[name] = path
	}
	return out
}
