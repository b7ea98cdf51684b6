package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// TestVarRules holds the rule for package-level variables against examples, so that the judge is judged.
func TestVarRules(t *testing.T) {
	const sdk, library = "plugin", "server"
	for _, tc := range []struct {
		short, source string
		bad           string // names that are refused, in order
	}{
		{library, "var _ I = T{}\nvar ErrX = errors.New(\"x\")\nvar table = [...]int{1, 2}\nvar m = map[string]int{}", ""},
		{library, "var a = map[int]int{1: 1}\nfunc f() { a[1] = 2 }", "a"},
		{library, "var a = []int{1}\nfunc f() { a := 1; a = 2; _ = a }", ""},
		{library, "var a = T{}\nfunc f() *T { return &a }", "a"},
		{library, "var a = []T{{}}\nfunc f() *T { return &a[0] }", ""},
		{library, "var a = map[int]int{1: 1}\nfunc f() { delete(a, 1) }", "a"},
		{library, "var n = 1\nfunc f() { n++ }", "n"},
		{library, "var n int\nvar p *T", "n p"},
		{library, "var c = make(chan int)\nvar q = new(T)", "c q"},
		{library, "var mu = sync.Mutex{}\nvar pool = sync.Pool{}\nvar pp = &sync.Pool{}", "mu pool pp"},
		{library, "var once = sync.OnceValue(f)\nfunc f() int { return 1 }", ""},
		{library, "var t = classes()\nfunc classes() [4]int { return [4]int{} }\nvar c = T(T{})", ""},
		{library, "var t = func() [2]int { return [2]int{} }()\nvar re = regexp.MustCompile(`x`)", ""},
		{library, "var db = open()\nfunc open() *T { return nil }", "db"},
		{library, "//go:embed x.lua\nvar text string", ""},
		{sdk, "var ErrX = errors.New(\"x\")\nvar _ I = T{}\nvar table = []int{1}", "table"},
	} {
		fset := token.NewFileSet()
		syntax, err := parser.ParseFile(fset, "x.go", "package x\n\ntype T struct{}\ntype I interface{}\n"+tc.source,
			parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatalf("%s: %v", tc.source, err)
		}
		p := &pkg{ImportPath: modulePath + "/" + tc.short, Name: "x", files: []file{{name: "x.go", syntax: syntax}}}
		info := resolve(&tree{fset: fset}, p)
		changed := changedVars(p, info)
		var bad []string
		for _, v := range packageVars(p.files[0]) {
			if varProblem(p, v, info, changed) != "" {
				bad = append(bad, v.name.Name)
			}
		}
		if got := strings.Join(bad, " "); got != tc.bad {
			t.Errorf("%s in %s: refused %q, want %q", tc.source, tc.short, got, tc.bad)
		}
	}
}

func TestTableRule(t *testing.T) {
	for body, want := range map[string]bool{
		"return []T{{1}, {2}}":       true,
		"return &T{}":                true,
		"x := 1; return []int{x}":    false,
		"return f()":                 false,
		"return []int{1}, []int{2}":  false,
		"return map[string]int{}[k]": false,
	} {
		e, err := parser.ParseExpr("func() {" + body + "}")
		if err != nil {
			t.Fatal(err)
		}
		if got := isTable(e.(*ast.FuncLit).Body); got != want {
			t.Errorf("%s: table is %v", body, got)
		}
	}
}

func TestLayerLookup(t *testing.T) {
	for short, want := range map[string]float64{
		"server": 5, "server/resp": 0, "cmd/datastore": 6, "cmd/datastore/cli": 5.9, "plugins/hello": pluginLayer,
		"scripts/benchcompare": 7,
	} {
		if got, ok := layerOf(short); !ok || got != want {
			t.Errorf("%s: layer %g, %v; want %g", short, got, ok, want)
		}
	}
	if _, ok := layerOf("server/surprise"); ok {
		t.Error("a package without a line in the map has a layer")
	}
}
