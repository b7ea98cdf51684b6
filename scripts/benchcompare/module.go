package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	moduleName  = "module"
	builtinName = "built-in"
)

// moduleTest is one module command beside the built-in that does the same.
type moduleTest struct{ name, module, builtin string }

func parseModuleTest(s string) (moduleTest, error) {
	name, commands, ok1 := strings.Cut(s, "=")
	module, builtin, ok2 := strings.Cut(commands, " vs ")
	if !ok1 || !ok2 || strings.TrimSpace(module) == "" || strings.TrimSpace(builtin) == "" {
		return moduleTest{}, fmt.Errorf("%w: --module-test %q is not 'NAME=module command vs built-in command'", errUsage, s)
	}
	return moduleTest{name, strings.TrimSpace(module), strings.TrimSpace(builtin)}, nil
}

// measureModule runs both commands of each test against one daemon that has the module loaded.
func (f *fleet) measureModule(o options) ([]row, error) {
	path, err := filepath.Abs(o.module)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, text := range o.moduleTest {
		test, err := parseModuleTest(text)
		if err != nil {
			return nil, err
		}
		for _, pipeline := range o.pipelines {
			r, err := f.measureModuleRow(test, pipeline, path)
			if err != nil {
				return nil, fmt.Errorf("module test %s: %w", test.name, err)
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}

func (f *fleet) measureModuleRow(test moduleTest, pipeline int, path string) (row, error) {
	defer f.stopAll()
	s, err := f.start(f.programs[0], "--loadmodule", path)
	if err != nil {
		return row{}, err
	}
	flush := workload{name: test.name, weight: 1}
	ops := operations(flush, pipeline, f.o.seconds)
	r := row{Test: test.name, Pipeline: pipeline, Operations: ops,
		Servers: []result{{Name: moduleName}, {Name: builtinName}}}
	for round := range f.o.rounds {
		fmt.Fprintf(os.Stderr, "\r%s P%d round %d/%d ", test.name, pipeline, round+1, f.o.rounds)
		for i, command := range []string{test.module, test.builtin} {
			if err := f.prepare(s, flush); err != nil {
				return r, err
			}
			sm, err := f.benchmark(s, command, ops, pipeline)
			if err != nil {
				return r, err
			}
			r.Servers[i].Samples = append(r.Servers[i].Samples, sm)
		}
	}
	fmt.Fprint(os.Stderr, "\r\033[K")
	return r, nil
}
