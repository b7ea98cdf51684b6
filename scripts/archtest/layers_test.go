package archtest

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// layers says where each package belongs. Imports go from a higher number to a lower one. A trailing "/..." covers
// the packages below a folder; the longest match counts.
var layers = map[string]float64{
	"cmd/datastore":              6,
	"cmd/datastore/...":          5.9,
	"plugin/plugintest":          6,
	"plugin/build":               4.5,
	"server/servertest":          5.5,
	"server/servertest/freeport": 0,
	"server":                     5,
	"server/builtin":             4,
	"server/config":              4,
	"server/acl":                 4,
	"server/script":              4,
	"aof":                        4,
	"replication":                4,
	"plugin/host":                4,
	"server/command":             3,
	"keyspace/rdb":               2,
	"keyspace":                   1.2,
	"keyspace/table":             1.1,
	"keyspace/btree":             1.1,
	"keyspace/packed":            1.1,
	"keyspace/slab":              1.0,
	"keyspace/modeltest":         0.5,
	"server/vfs/vfstest":         0.5,
	"server/resp":                0,
	"server/ticks":               0,
	"server/sockio":              0,
	"server/latency":             0,
	"server/glob":                0,
	"server/vfs":                 0,
	"plugin":                     0,
	"plugin/image":               0,
	"plugins/...":                pluginLayer,
	"scripts/...":                7,
}

// pluginLayer is beside the stack: these packages become .so files and may import the SDK only.
const pluginLayer = -1

// equalsMaySee lists the imports between equal layers that were decided on, with the reason.
var equalsMaySee = map[[2]string]string{
	{"keyspace/btree", "keyspace/table"}: "a member's key stays in the table's record; the tree compares it there",
}

// testOnly packages help tests; nothing that is linked into a program imports them.
var testOnly = []string{"server/servertest", "server/vfs/vfstest", "plugin/plugintest", "scripts/archtest",
	"keyspace/modeltest"}

// thirdParty says which of our packages may import what from outside in production files. The daemon links little,
// because whatever it links every plugin author must match.
var thirdParty = map[string]func(short string, layer float64) bool{
	"github.com/spf13/cobra":  func(short string, _ float64) bool { return within(short, "cmd") },
	"github.com/spf13/pflag":  func(short string, _ float64) bool { return within(short, "cmd") },
	"go.uber.org/zap":         func(_ string, layer float64) bool { return layer >= 4 },
	"golang.org/x/sys":        mayUseSystemCalls,
	"github.com/tidwall/resp": func(short string, _ float64) bool { return within(short, "cmd") || isTestOnly(short) },
}

// testsMayAlsoUse are modules for _test.go files and test-only packages.
var testsMayAlsoUse = []string{
	"github.com/redis/go-redis/v9", "github.com/tidwall/resp", "pgregory.net/rapid", "golang.org/x/sys",
	"go.uber.org/zap", "github.com/spf13/cobra", "go.uber.org/goleak", "github.com/anishathalye/porcupine",
	"github.com/rogpeppe/go-internal", "github.com/cockroachdb/datadriven",
}

func mayUseSystemCalls(short string, layer float64) bool {
	return short == "keyspace/slab" || short == "server/vfs" || short == "server/sockio" || layer >= 4
}

// neverTogether are imports that the numbers of the layers would allow or whose reason deserves words.
var neverTogether = []struct{ from, to, reason string }{
	{"aof", "replication", "both consume the one effect stream; coupling them makes the order of effects depend on both"},
	{"replication", "aof", "both consume the one effect stream; coupling them makes the order of effects depend on both"},
	{"server/builtin", "plugin/host", "handlers see the keyspace and a Ctx; a module is just another command"},
	{"server/builtin", "aof", "handlers report effects; who consumes them is the server's business"},
	{"server/builtin", "replication", "handlers report effects; who consumes them is the server's business"},
	{"plugin", "", "the SDK is a leaf: what it imports, every author is bound to"},
}

func layerOf(short string) (float64, bool) {
	if l, ok := layers[short]; ok {
		return l, true
	}
	best, layer := "", 0.0
	for pattern, l := range layers {
		top, isTree := strings.CutSuffix(pattern, "/...")
		if isTree && within(short, top) && len(top) > len(best) {
			best, layer = top, l
		}
	}
	return layer, best != ""
}

func isTestOnly(short string) bool { return slices.Contains(testOnly, short) }

func TestEveryPackageHasALayer(t *testing.T) {
	for _, p := range loadTree(t).packages {
		if _, ok := layerOf(p.short()); !ok {
			t.Errorf("%s has no layer: add it to the map in scripts/archtest and say why it is a package of its own",
				p.ImportPath)
		}
		switch p.Name {
		case "util", "utils", "common", "helper", "helpers", "manager", "base", "misc":
			t.Errorf("%s: a package is named for what it owns, not %q", p.ImportPath, p.Name)
		}
	}
}

func TestImportsGoDown(t *testing.T) {
	for _, p := range loadTree(t).packages {
		for _, imp := range p.Imports {
			if to, ours := strings.CutPrefix(imp, modulePath+"/"); ours {
				checkOwnImport(t, p.short(), to)
			}
		}
	}
}

func checkOwnImport(t *testing.T, from, to string) {
	t.Helper()
	high, ok := layerOf(from)
	low, known := layerOf(to)
	if !ok || !known {
		return // TestEveryPackageHasALayer reports it
	}
	for _, rule := range neverTogether {
		if rule.from == from && (rule.to == to || rule.to == "") {
			t.Errorf("%s imports %s: %s", from, to, rule.reason)
		}
	}
	if isTestOnly(to) && !isTestOnly(from) {
		t.Errorf("%s imports %s, which is for tests only: it would link testing into a program", from, to)
	}
	switch {
	case high == pluginLayer:
		if to != "plugin" && !within(to, from) {
			t.Errorf("%s imports %s: a plugin sees the SDK only, else it binds its author to our internals", from, to)
		}
	case high == low && equalsMaySee[[2]string{from, to}] == "":
		t.Errorf("%s imports its equal %s (layer %g): equals never see each other; declare a small interface where it "+
			"is used, or enter the pair with its reason", from, to, high)
	case high < low:
		t.Errorf("%s (layer %g) imports %s (layer %g): imports go down only; declare the need as an interface here",
			from, high, to, low)
	}
}

func TestThirdPartyImports(t *testing.T) {
	for _, p := range loadTree(t).packages {
		layer, _ := layerOf(p.short())
		for _, imp := range p.Imports {
			if isThirdParty(imp) && !mayImport(p.short(), layer, imp) {
				t.Errorf("%s imports %s: not on the list for it; every module that the daemon links is a version that "+
					"plugin authors must match (and zap stays at layer 4 and up, cobra in cmd)", p.ImportPath, imp)
			}
		}
		for _, imp := range slices.Concat(p.TestImports, p.XTestImports) {
			if isThirdParty(imp) && !matchesAny(imp, testsMayAlsoUse) {
				t.Errorf("tests of %s import %s: not on the list of modules for tests", p.ImportPath, imp)
			}
		}
	}
}

func mayImport(short string, layer float64, imp string) bool {
	if isTestOnly(short) && matchesAny(imp, testsMayAlsoUse) {
		return true
	}
	for module, allowed := range thirdParty {
		if within(imp, module) {
			return allowed(short, layer)
		}
	}
	return false
}

// isThirdParty: paths outside the standard library have a dot in their first element.
func isThirdParty(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return strings.Contains(first, ".")
}

func matchesAny(imp string, modules []string) bool {
	return slices.ContainsFunc(modules, func(m string) bool { return within(imp, m) })
}

func TestTopLevelFolders(t *testing.T) {
	allowed := []string{"cmd", "server", "plugin", "keyspace", "aof", "replication", "plugins", "scripts",
		"bin", ".git", ".ci"}
	entries, err := os.ReadDir(moduleRoot(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !slices.Contains(allowed, e.Name()) {
			t.Errorf("folder %s at the top: the top level is fixed, so that a reader finds every package's room; put it "+
				"under the package that owns it", e.Name())
		}
	}
}
