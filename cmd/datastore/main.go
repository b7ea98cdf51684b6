// Command datastore is the daemon and its tools: the server itself (the root command), version, module build and check, and
// a small client. It owns the command line, the log's shape, signals and process files, and refuses everything that the
// server could know by itself.
package main

import (
	"errors"
	"fmt"
	"os"

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
       datastore aof check [--fix] MANIFEST
       datastore cli [-h HOST] [-p PORT] [COMMAND [ARG …]]

Without a subcommand the server runs. A configuration file has redis.conf syntax, - reads it from standard input, and
every directive can be given as a flag:

       datastore --port 7777 --dir /var/lib/datastore --appendonly yes
       datastore /etc/datastore.conf --loadmodule "/usr/lib/datastore/ratelimit.so"
       datastore --replicaof "127.0.0.1 6379" --port 6380
`

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
				case "-h", "--help":
					_, err := fmt.Fprint(cmd.OutOrStdout(), usage)
					return err
				}
			}
			return serve(args)
		},
	}
	root.SetHelpCommand(&cobra.Command{Use: "no-help", Hidden: true})
	root.AddCommand(newVersionCommand(), newModuleCommand(), newAOFCommand(), newCLICommand())
	return root
}
