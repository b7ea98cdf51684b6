package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"datastore/cmd/datastore/internal/client"
)

// passwordVariable is where redis-cli looks for the password too.
const passwordVariable = "REDISCLI_AUTH"

// newCLICommand returns "datastore cli", the command line client. Its error is
// printed by cobra, or by the client itself; main only has to exit with 1.
func newCLICommand() *cobra.Command {
	var opts client.Options
	var raw, formatted bool
	cmd := &cobra.Command{
		Use:   "cli [flags] [command [argument...]]",
		Short: "Send commands to a running server",
		Long: `Send commands to a running server.

With a command, send it, print the reply, and exit with 1 if that is an error.
Without one, read commands from standard input, one on a line, with words
quoted as in the configuration file: at a terminal with a prompt, otherwise
until the end, exiting with 1 if any command failed.

Replies are shown with their types at a terminal and as bare values otherwise.
The password can be given in the environment variable ` + passwordVariable + `, which
other users of the machine do not see.`,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.In, opts.Out, opts.Err = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			if opts.Password == "" {
				opts.Password = os.Getenv(passwordVariable)
			}
			opts.Formatted = (isTerminal(os.Stdout) || formatted) && !raw
			opts.Prompt = len(args) == 0 && isTerminal(os.Stdin)
			c := client.New(opts)
			defer c.Close()
			run := c.RunLines
			if len(args) > 0 {
				run = func() error { return c.Run(args) }
			}
			err := run()
			cmd.SilenceErrors = errors.Is(err, client.ErrFailed)
			return err
		},
	}
	flags := cmd.Flags()
	flags.SetInterspersed(false) // what follows the command belongs to it
	flags.Bool("help", false, "help for cli")
	flags.StringVarP(&opts.Host, "host", "h", "127.0.0.1", "server `host`")
	flags.IntVarP(&opts.Port, "port", "p", 6379, "server `port`")
	flags.StringVarP(&opts.Socket, "socket", "s", "", "server Unix socket `path`, instead of host and port")
	flags.StringVar(&opts.User, "user", "", "user `name` to authenticate as")
	flags.StringVarP(&opts.Password, "pass", "a", "", "`password` to authenticate with")
	flags.IntVarP(&opts.DB, "db", "n", 0, "database `number`")
	flags.BoolVar(&raw, "raw", false, "print bare values even at a terminal")
	flags.BoolVar(&formatted, "no-raw", false, "print types and quotes even if not at a terminal")
	cmd.MarkFlagsMutuallyExclusive("raw", "no-raw")
	return cmd
}

// isTerminal reports whether f is a character device other than the null one.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}
