// Command datastore is the daemon and its tools: the server itself (the root command), version, module build and check, and
// a small client. It owns the command line, the log's shape, signals and process files, and refuses everything that the
// server could know by itself.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"datastore/cmd/datastore/internal/client"
	"datastore/plugin/host"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == host.ProbeArg {
		os.Exit(host.ProbeMain(os.Args[2:]))
	}
	os.Exit(run(os.Args[1:]))
}

// exitError ends the process with a code after its message, if any, was printed where it belongs.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func run(args []string) int {
	root := newRoot()
	root.SetArgs(args)
	err := root.Execute()
	var exit *exitError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, client.ErrFailed): // the client has printed why
		return 1
	case errors.As(err, &exit):
		if exit.err != nil {
			fmt.Fprintln(os.Stderr, exit.err)
		}
		return exit.code
	}
	fmt.Fprintln(os.Stderr, "datastore:", err)
	return 1
}

const usage = `Usage: datastore [CONFIGFILE | -] [--directive value …]…
       datastore version [--json]
       datastore module build DIR [-o FILE.so] [--sdk DIR]
       datastore module check FILE.so
       datastore module test DIR [--sdk DIR] [-- GO-TEST-FLAGS]
       datastore aof check [--fix] MANIFEST
       datastore cli [-h HOST] [-p PORT] [COMMAND [ARG …]]

Without a subcommand the server runs. A configuration file has redis.conf syntax, - reads it from standard input, and
every directive can be given as a flag:

       datastore --port 7777 --dir /var/lib/datastore --appendonly yes
       datastore /etc/datastore.conf --loadmodule "/usr/lib/datastore/ratelimit.so"
       datastore --replicaof "127.0.0.1 6379" --port 6380
`

// hint adds to a failed start that the first argument, which was taken for a configuration file, may be a mistyped
// subcommand.
func hint(err error, args []string) error {
	if err == nil || len(args) == 0 || args[0] == "" || strings.ContainsAny(args[0], "-./") {
		return err
	}
	if _, e := os.Stat(args[0]); !errors.Is(e, fs.ErrNotExist) {
		return err
	}
	return &exitError{code: 1, err: fmt.Errorf("%w (or is %s meant as a subcommand? datastore --help lists them)", err, args[0])}
}

// oneArg accepts exactly one argument and says what it stands for if it is missing.
func oneArg(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return &exitError{code: 2, err: fmt.Errorf("datastore: %s takes one argument, %s, and got %d; usage: %s",
			cmd.Name(), name, len(args), cmd.UseLine())}
	}
}

// newRoot builds the command tree. The root parses no flags itself: its arguments are directives, as redis-server's are.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:                "datastore",
		Short:              "In-memory datastore that speaks the Redis protocol and is extended by Go plugins",
		DisableFlagParsing: true,
		SilenceUsage:       true,
		SilenceErrors:      true,
		Args:               cobra.ArbitraryArgs,
		CompletionOptions:  cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				switch args[0] {
				case "-v", "--version":
					return printVersion(cmd.OutOrStdout(), false)
				case "-h", "--help", "help":
					_, err := fmt.Fprint(cmd.OutOrStdout(), usage)
					return err
				}
			}
			return hint(serve(args), args)
		},
	}
	root.SetHelpCommand(&cobra.Command{Use: "no-help", Hidden: true})
	root.AddCommand(newVersionCommand(), newModuleCommand(), newAOFCommand(), newCLICommand())
	return root
}
