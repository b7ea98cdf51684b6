// Command conformance shows which tests check which rule of the module API, and whether they pass.
//
//	go run ./scripts/conformance -o conformance.md
//
// A test says what it checks in a line of its doc comment: "Rules: KEY-1, KEY-2." rules.txt has the rules, missing.txt those
// of wave 1 that no test checks yet. The test of this package fails when a rule of wave 1 is neither checked nor in
// missing.txt, and when one is both: the file can only shrink.
//
// It owns the table. It refuses to judge tests: whether a test checks what its line says is for those who read it.
package main

import (
	"bytes"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed rules.txt
var rulesText string

//go:embed missing.txt
var missingText string

const missingFile = "scripts/conformance/missing.txt"

var errGate = errors.New("the table has gaps")

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	output := flags.String("o", "", "write the table as Markdown to this `file`")
	results := flags.String("results", "", "take results from this `file` with the output of go test -json, instead of running the tests")
	prune := flags.Bool("prune", false, "take rules that tests check by now out of "+missingFile+", and do nothing else")
	if err := flags.Parse(args); err != nil {
		return err
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	t, err := load(root)
	if err != nil {
		return err
	}
	if *prune {
		return os.WriteFile(filepath.Join(root, missingFile), []byte(t.pruned(missingText)), 0o644)
	}
	if *results != "" {
		err = t.readResults(*results)
	} else {
		err = t.runTests(root)
	}
	if err != nil {
		return err
	}
	if *output != "" {
		if err := os.WriteFile(*output, []byte(t.markdown()), 0o644); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprint(out, t.summary()); err != nil {
		return err
	}
	if problems := t.problems(); len(problems) > 0 {
		return fmt.Errorf("%w:\n%s", errGate, strings.Join(problems, "\n"))
	}
	return t.failures()
}

// moduleRoot is the directory of the go.mod above the working directory.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env: %w", err)
	}
	return filepath.Dir(string(bytes.TrimSpace(out))), nil
}
