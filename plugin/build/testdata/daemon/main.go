// Command daemon stands for the datastore daemon in tests: an executable that links a dependency, builds modules and
// loads them. The binary of a test cannot stand for it here, because its build information lists no dependencies.
//
//	daemon build DIR OUTPUT SDK    prints the package path of the build
//	daemon load FILE...            prints what the OnLoad of each file answers
package main

import (
	"context"
	"fmt"
	"os"

	_ "golang.org/x/sys/unix" // a dependency that modules have to match

	"datastore/plugin/build"
	"datastore/plugin/host"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == host.ProbeArg {
		os.Exit(host.ProbeMain(os.Args[2:]))
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	ctx := context.Background()
	if args[0] == "build" {
		r, err := build.Build(ctx, build.Options{Dir: args[1], Output: args[2], SDK: args[3]})
		fmt.Println(r.PluginPath)
		return err
	}
	cache, err := os.MkdirTemp("", "daemon-test-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(cache)
	l, err := host.NewLoader(host.LoaderOptions{CacheDir: cache})
	if err != nil {
		return err
	}
	for _, file := range args[1:] {
		img, err := l.Open(ctx, file)
		if err != nil {
			return err
		}
		fmt.Println(img.OnLoad(nil, nil))
	}
	return nil
}
