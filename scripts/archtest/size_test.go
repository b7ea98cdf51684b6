package archtest

import (
	"go/ast"
	"go/token"
	"testing"
)

// The limits of the house style. What separates readable Go code from the rest is the tail of these distributions.
const (
	maxFunctionLines = 70
	maxFileLines     = 600
	maxTestFileLines = 1000
	maxParameters    = 5
)

func TestFunctionSizes(t *testing.T) {
	tr := loadTree(t)
	tr.production(func(p *pkg, src file) {
		ast.Inspect(src.syntax, func(n ast.Node) bool {
			var body *ast.BlockStmt
			switch fn := n.(type) {
			case *ast.FuncDecl:
				body = fn.Body
			case *ast.FuncLit:
				body = fn.Body
			}
			if body == nil || isTable(body) {
				return true
			}
			if lines := tr.lines(n); lines > maxFunctionLines {
				t.Errorf("%s: %d lines, the limit is %d: split along a sentence, control flow in the parent and plain "+
					"work in the leaves", tr.at(n.Pos()), lines, maxFunctionLines)
			}
			return true
		})
	})
}

func TestParameterCounts(t *testing.T) {
	tr := loadTree(t)
	tr.production(func(p *pkg, src file) {
		ast.Inspect(src.syntax, func(n ast.Node) bool {
			var params *ast.FieldList
			switch fn := n.(type) {
			case *ast.FuncDecl:
				params = fn.Type.Params
			case *ast.FuncLit:
				params = fn.Type.Params
			}
			if params != nil && params.NumFields() > maxParameters {
				t.Errorf("%s: %d parameters, the limit is %d: what travels together is a struct",
					tr.at(n.Pos()), params.NumFields(), maxParameters)
			}
			return true
		})
	})
}

func TestFileSizes(t *testing.T) {
	tr := loadTree(t)
	for _, p := range tr.packages {
		for _, src := range p.files {
			limit := maxFileLines
			if src.test {
				limit = maxTestFileLines
			}
			if lines := src.lines - tr.tableLines(src); lines > limit {
				t.Errorf("%s: %d lines without its tables, the limit is %d: a file is one type or one idea",
					src.name, lines, limit)
			}
		}
	}
}

// tableLines counts the lines of declarations that are one composite literal: tables of commands, of directives.
func (tr *tree) tableLines(src file) int {
	total := 0
	for _, decl := range src.syntax.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Body != nil && isTable(decl.Body) {
				total += tr.lines(decl)
			}
		case *ast.GenDecl:
			if decl.Tok == token.VAR && declaresTable(decl) {
				total += tr.lines(decl)
			}
		}
	}
	return total
}

// isTable: the body is one return of one composite literal.
func isTable(body *ast.BlockStmt) bool {
	if len(body.List) != 1 {
		return false
	}
	ret, ok := body.List[0].(*ast.ReturnStmt)
	return ok && len(ret.Results) == 1 && isComposite(ret.Results[0])
}

func declaresTable(decl *ast.GenDecl) bool {
	for _, spec := range decl.Specs {
		vs, ok := spec.(*ast.ValueSpec)
		if !ok || len(vs.Values) != 1 || !isComposite(vs.Values[0]) {
			return false
		}
	}
	return len(decl.Specs) > 0
}

func isComposite(e ast.Expr) bool {
	if u, ok := e.(*ast.UnaryExpr); ok && u.Op == token.AND {
		e = u.X
	}
	_, ok := e.(*ast.CompositeLit)
	return ok
}

func (tr *tree) lines(n ast.Node) int {
	return tr.fset.Position(n.End()).Line - tr.fset.Position(n.Pos()).Line + 1
}
