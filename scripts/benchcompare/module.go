package main

import (
	"fmt"
	"path/filepath"
	"strings"
)

const (
	moduleName    = "module"
	builtinName   = "built-in"
	defaultModule = "plugins/helloworld"
)

// moduleTest is one module command beside the built-in that does the same.
type moduleTest struct{ name, module, builtin string }

// moduleTests are those of defaultModule: push.call calls RPUSH with Ctx.Call, which allocates, push.cmd with Cmd and the same
// format. What HELLO.COUNTER calls is INCRBY, with Cmd argument by argument, and it replies two numbers instead of one.
func moduleTests() []moduleTest {
	return []moduleTest{
		{"push.native", "HELLO.PUSH.NATIVE mylist xxx", "RPUSH mylist xxx"},
		{"push.call", "HELLO.PUSH.CALL mylist xxx", "RPUSH mylist xxx"},
		{"push.cmd", "HELLO.PUSH.CALL2 mylist xxx", "RPUSH mylist xxx"},
		{"simple", "HELLO.SIMPLE", "DBSIZE"},
		{"counter", "HELLO.COUNTER counter:__rand_int__ 2", "INCRBY counter:__rand_int__ 2"},
	}
}

func parseModuleTest(s string) (moduleTest, error) {
	name, commands, ok1 := strings.Cut(s, "=")
	module, builtin, ok2 := strings.Cut(commands, " vs ")
	if !ok1 || !ok2 || strings.TrimSpace(module) == "" || strings.TrimSpace(builtin) == "" {
		return moduleTest{}, fmt.Errorf("%w: --module-test %q is not 'NAME=module command vs built-in command'", errUsage, s)
	}
	return moduleTest{name, strings.TrimSpace(module), strings.TrimSpace(builtin)}, nil
}

// measureModule runs both commands of each test against one daemon that has the module loaded.
func (f *fleet) measureModule() ([]row, error) {
	path, err := f.moduleImage()
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, test := range f.o.moduleTests {
		for _, pipeline := range f.o.pipelines {
			r, err := f.measureModuleRow(test, pipeline, path)
			if err != nil {
				return rows, fmt.Errorf("module test %s: %w", test.name, err)
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// moduleImage is the .so under test: the one that was given, else defaultModule, built for the daemon.
func (f *fleet) moduleImage() (string, error) {
	if f.o.module != "" {
		return filepath.Abs(f.o.module)
	}
	f.progress("modules: building %s", defaultModule)
	return f.buildModule(defaultModule)
}

func (f *fleet) measureModuleRow(test moduleTest, pipeline int, path string) (row, error) {
	defer f.stopAll()
	s, err := f.start(f.programs[0], "--loadmodule", path)
	if err != nil {
		return row{}, err
	}
	flushed := workload{name: test.name, refill: true, span: f.o.keyspace, weight: 1}
	ops := flushed.operations(pipeline, f.o.seconds)
	r := row{Test: test.name, Pipeline: pipeline, Operations: ops,
		Servers: []result{{Name: moduleName}, {Name: builtinName}}}
	for round := range f.o.rounds {
		f.progress("module test %s P%d: round %d/%d", test.name, pipeline, round+1, f.o.rounds)
		for i, command := range []string{test.module, test.builtin} {
			l := load{command: command, ops: ops, pipeline: pipeline, clients: f.o.clients, span: f.o.keyspace}
			if err := r.Servers[i].refuse(f.runOnce(s, flushed, l, &r.Servers[i])); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}
