package builtin_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"datastore/server/builtin"
	"datastore/server/command"
	"datastore/server/servertest"
)

// TestKeyPositions asks COMMAND GETKEYS about every command of the differential scripts and wants the key specifications
// to find the same keys. Access control and clusters rely on them.
func TestKeyPositions(t *testing.T) {
	table, err := command.NewTable(nil, builtin.Commands())
	if err != nil {
		t.Fatal(err)
	}
	conn := servertest.DialAddr(t, servertest.StartRedis(t).Addr)
	compared := 0
	for _, args := range scriptedCommands(t) {
		raw := argv(args...)
		c := table.Resolve(raw)
		if c == nil || !c.ArityOK(len(args)) {
			continue
		}
		reply := conn.Do(append([]string{"COMMAND", "GETKEYS"}, args...)...)
		keys, ok := c.KeysAt(raw, nil)
		var got []string
		for _, k := range keys {
			got = append(got, args[k.Pos])
		}
		want := fmt.Sprint(reply.Strings())
		if reply.IsError() {
			ok, want = ok && len(got) == 0, "[]"
			got = nil
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%q: keys %q (%v), want %s", args, got, ok, want)
		}
		compared++
	}
	if compared < 1000 {
		t.Errorf("only %d commands were compared", compared)
	}
}

// scriptedCommands returns the commands of the differential scripts without their directives.
func scriptedCommands(t *testing.T) (commands [][]string) {
	t.Helper()
	paths, err := filepath.Glob("testdata/diff/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			for strings.HasPrefix(line, "#") {
				_, line, _ = strings.Cut(line, " ")
			}
			args, err := servertest.SplitArgs(strings.TrimSpace(line))
			if err == nil && len(args) > 0 {
				commands = append(commands, args)
			}
		}
	}
	return commands
}
