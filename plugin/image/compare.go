package image

import (
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
)

// The two ways out that most problems have.
const (
	fixRebuild = "rebuild with: datastore module build DIR"
	fixSource  = "build the daemon and the module from the same source tree"
	fixOnLoad  = "declare in package main: func OnLoad(ctx plugin.Ctx, args []plugin.String) error"
)

// Problem is one thing about a module that does not fit.
type Problem struct {
	What  string // what was compared, such as "Go version"
	Has   string // the module's side
	Needs string // the daemon's side
	Fix   string // what the author can do
}

// String is the problem on one line, without the way out.
func (p Problem) String() string {
	return fmt.Sprintf("%s: module has %s, daemon needs %s", p.What, p.Has, p.Needs)
}

// Report is the result of a comparison.
type Report struct {
	File     *File
	Problems []Problem
}

// maxProblemsInError bounds the length of the one-line error.
const maxProblemsInError = 3

// Err returns nil when there are no problems, and otherwise an error of one line that wraps ErrIncompatible: what
// differs, both sides of it, and the ways out.
func (r *Report) Err() error {
	if len(r.Problems) == 0 {
		return nil
	}
	var parts, fixes []string
	for i, p := range r.Problems {
		if i < maxProblemsInError {
			parts = append(parts, p.String())
		}
		if !slices.Contains(fixes, p.Fix) {
			fixes = append(fixes, p.Fix)
		}
	}
	if more := len(r.Problems) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return fmt.Errorf("%w: %s; %s", ErrIncompatible, strings.Join(parts, ", "), strings.Join(fixes, ", "))
}

// Compare tells whether host, an executable, can open the plugin f beside those it has loaded. It finds all problems
// that can be known without opening the file.
func Compare(f, host *File, loaded []*File) *Report {
	r := &Report{File: f}
	if mode := f.Setting("-buildmode"); mode != "plugin" {
		r.add("build mode", orNone(mode), "plugin", fixRebuild)
		return r // fingerprints of anything else mean nothing
	}
	r.compareSettings(f, host)
	reported := r.compareModules(f, host)
	r.comparePackages(f, host, "the daemon's", reported)
	for _, other := range loaded {
		r.comparePackages(f, other, "that of loaded "+other.PluginPath, reported)
	}
	r.checkEntry(f, host, loaded)
	return r
}

func (r *Report) add(what, has, needs, fix string) {
	r.Problems = append(r.Problems, Problem{What: what, Has: has, Needs: needs, Fix: fix})
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func (r *Report) compareSettings(f, host *File) {
	if f.Info.GoVersion != host.Info.GoVersion {
		r.add("Go version", f.Info.GoVersion, host.Info.GoVersion, fixRebuild)
	}
	keys := []string{
		"-compiler", "-trimpath", "-race", "-msan", "-asan",
		"GOEXPERIMENT", "GOFIPS140", "GOOS", "GOARCH", "GOAMD64", "GOARM64", "GORISCV64",
	}
	for _, key := range keys {
		if has, needs := f.Setting(key), host.Setting(key); has != needs {
			r.add(key, orNone(has), orNone(needs), fixRebuild)
		}
	}
	if has, needs := GlobalGCFlags(f), GlobalGCFlags(host); has != needs {
		r.add("-gcflags", orNone(has), orNone(needs), fixRebuild)
	}
}

// GlobalGCFlags returns the compiler flags a file was built with when they were given for all packages
// ("-gcflags=all=..."), else "". Flags for the named packages alone do not touch shared ones.
func GlobalGCFlags(f *File) string {
	if flags := f.Setting("-gcflags"); strings.HasPrefix(flags, "all=") {
		return flags
	}
	return ""
}

// compareModules compares versions and sums of the dependencies that both sides have. It returns the paths of those
// that differ.
func (r *Report) compareModules(f, host *File) []string {
	needs := make(map[string]string, len(host.Info.Deps))
	for _, m := range host.Info.Deps {
		needs[m.Path] = version(m)
	}
	var differ []string
	for _, m := range f.Info.Deps {
		want, shared := needs[m.Path]
		if has := version(m); shared && has != want {
			r.add(m.Path, has, want, fixRebuild)
			differ = append(differ, m.Path)
		}
	}
	return differ
}

// version is what distinguishes two states of a dependency: a release and, where there is one, its replacement.
func version(m *debug.Module) string {
	if m.Replace == nil {
		return m.Version
	}
	return strings.TrimSpace(fmt.Sprintf("%s => %s %s", m.Version, m.Replace.Path, m.Replace.Version))
}

// comparePackages compares the fingerprints of the packages that both files have, except those of modules whose
// difference is known already.
func (r *Report) comparePackages(f, other *File, owner string, known []string) {
	for _, path := range slices.Sorted(maps.Keys(f.Packages)) {
		want, shared := other.Packages[path]
		if !shared || want == f.Packages[path] || path == f.PluginPath || covered(path, known) {
			continue
		}
		fix := fixRebuild
		if path == other.Info.Main.Path || strings.HasPrefix(path, other.Info.Main.Path+"/") {
			fix = fixSource
		}
		r.add("package "+path, fmt.Sprintf("fingerprint %x", f.Packages[path]), fmt.Sprintf("%s, %x", owner, want), fix)
	}
}

func covered(path string, modules []string) bool {
	return slices.ContainsFunc(modules, func(m string) bool { return path == m || strings.HasPrefix(path, m+"/") })
}

// checkEntry checks the main package: its symbols, and that its import path is still free in the process.
func (r *Report) checkEntry(f, host *File, loaded []*File) {
	if !f.HasOnLoad {
		r.add("entry point", "no exported function OnLoad", "one", fixOnLoad)
		return
	}
	taken := func(other *File) bool { return other.Packages[f.PluginPath] != "" }
	if taken(host) {
		r.add("package path", f.PluginPath, "one it does not link itself", fixRebuild)
	} else if slices.ContainsFunc(loaded, taken) {
		r.add("package path", f.PluginPath+", which another build loaded before has too", "a path of its own for every build", fixRebuild)
	}
}
