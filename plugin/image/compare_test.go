package image

import (
	"debug/buildinfo"
	"errors"
	"runtime/debug"
	"strings"
	"testing"
)

// sample is a daemon, or with buildmode plugin a module that fits it.
func sample(buildmode, main string) *File {
	f := &File{
		Info: &buildinfo.BuildInfo{
			GoVersion: "go1.26.8",
			Main:      debug.Module{Path: "datastore"},
			Deps:      []*debug.Module{{Path: "golang.org/x/sys", Version: "v0.41.0"}},
			Settings:  []debug.BuildSetting{{Key: "-buildmode", Value: buildmode}, {Key: "-trimpath", Value: "true"}},
		},
		Packages:   map[string]string{"runtime": "r1", "datastore/plugin": "p1", "golang.org/x/sys/unix": "u1", main: "m1"},
		PluginPath: main,
		HasOnLoad:  true,
	}
	if buildmode == "plugin" {
		f.Info.Main.Path = main
	}
	return f
}

func (f *File) set(key, value string) {
	f.Info.Settings = append([]debug.BuildSetting{{Key: key, Value: value}}, f.Info.Settings...)
}

func TestCompare(t *testing.T) {
	tests := []struct {
		name   string
		change func(f *File)
		want   string // the error's text after "module does not fit this daemon: "
	}{
		{"fits", func(*File) {}, ""},
		{"dependency of its own", func(f *File) {
			f.Info.Deps = append(f.Info.Deps, &debug.Module{Path: "example.com/x", Version: "v1.0.0"})
		}, ""},
		{"flags for its own package", func(f *File) { f.set("-gcflags", "-p=example.com/m-1") }, ""},
		{"other Go release", func(f *File) { f.Info.GoVersion = "go1.26.7" },
			"Go version: module has go1.26.7, daemon needs go1.26.8; rebuild with: datastore module build DIR"},
		{"without -trimpath", func(f *File) { f.set("-trimpath", "") },
			"-trimpath: module has none, daemon needs true; rebuild with: datastore module build DIR"},
		{"race detector", func(f *File) { f.set("-race", "true") },
			"-race: module has true, daemon needs none; rebuild with: datastore module build DIR"},
		{"experiment", func(f *File) { f.set("GOEXPERIMENT", "greenteagc") },
			"GOEXPERIMENT: module has greenteagc, daemon needs none; rebuild with: datastore module build DIR"},
		{"compiler flags", func(f *File) { f.set("-gcflags", "all=-N") },
			"-gcflags: module has all=-N, daemon needs none; rebuild with: datastore module build DIR"},
		{"no plugin", func(f *File) { f.set("-buildmode", "c-shared") },
			"build mode: module has c-shared, daemon needs plugin; rebuild with: datastore module build DIR"},
		{"shared dependency", func(f *File) {
			f.Info.Deps = []*debug.Module{{Path: "golang.org/x/sys", Version: "v0.40.0"}}
			f.Packages["golang.org/x/sys/unix"] = "u0" // follows from the version: not told twice
		}, "golang.org/x/sys: module has v0.40.0, daemon needs v0.41.0; rebuild with: datastore module build DIR"},
		{"replaced dependency", func(f *File) {
			f.Info.Deps = []*debug.Module{{Path: "golang.org/x/sys", Version: "v0.41.0", Replace: &debug.Module{Path: "../sys"}}}
		}, "golang.org/x/sys: module has v0.41.0 => ../sys, daemon needs v0.41.0; rebuild with: datastore module build DIR"},
		{"other SDK", func(f *File) { f.Packages["datastore/plugin"] = "p2" },
			"package datastore/plugin: module has fingerprint 7032, daemon needs the daemon's, 7031; build the daemon and the module from the same source tree"},
		{"without OnLoad", func(f *File) { f.HasOnLoad = false },
			"entry point: module has no exported function OnLoad, daemon needs one; " + fixOnLoad},
		{"package of the daemon", func(f *File) { f.PluginPath = "runtime" },
			"package path: module has runtime, daemon needs one it does not link itself; rebuild with: datastore module build DIR"},
		{"several", func(f *File) {
			f.Info.GoVersion = "go1.27"
			for _, key := range []string{"-race", "-msan", "-asan"} {
				f.set(key, "true")
			}
			f.HasOnLoad = false
		}, "Go version: module has go1.27, daemon needs go1.26.8, -race: module has true, daemon needs none, " +
			"-msan: module has true, daemon needs none, and 2 more; rebuild with: datastore module build DIR, " + fixOnLoad},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, host := sample("plugin", "example.com/m"), sample("exe", "main")
			tt.change(f)
			err := Compare(f, host, nil).Err()
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if !errors.Is(err, ErrIncompatible) || err.Error() != ErrIncompatible.Error()+": "+tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestCompareWithLoaded(t *testing.T) {
	host, f := sample("exe", "main"), sample("plugin", "example.com/m-2")
	f.Packages["example.com/lib"] = "l2"
	loaded := sample("plugin", "example.com/m-1")
	loaded.Packages["example.com/lib"] = "l1"
	err := Compare(f, host, []*File{loaded}).Err()
	if err == nil || !strings.Contains(err.Error(), "package example.com/lib: module has fingerprint 6c32, daemon needs that of loaded example.com/m-1, 6c31") {
		t.Errorf("got %v, want the package that differs", err)
	}
	err = Compare(sample("plugin", "example.com/m-1"), host, []*File{loaded}).Err()
	if err == nil || !strings.Contains(err.Error(), "package path: module has example.com/m-1, which another build loaded before has too") {
		t.Errorf("got %v, want the path that is taken", err)
	}
}
