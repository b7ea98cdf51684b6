package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"datastore/plugin/build"
	"datastore/plugin/image"
)

// newModuleCommand returns "datastore module" with build, check and test.
func newModuleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "module",
		Short: "Build, check and test modules for this daemon",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newModuleBuildCommand(), newModuleCheckCommand(), newModuleTestCommand())
	return cmd
}

func newModuleBuildCommand() *cobra.Command {
	var o build.Options
	cmd := &cobra.Command{
		Use:   "build DIR",
		Short: "Compile the module in DIR so that this daemon can load it",
		Long: "Compile the module in DIR with the Go version, flags and dependency versions of this daemon, and check the result " +
			"as the loader does. DIR may be in the daemon's source tree or in a module of its own; its files are not touched.",
		Args: oneArg("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Dir = args[0]
			if stat, err := os.Stat(o.Dir); err != nil {
				return err
			} else if !stat.IsDir() {
				return fmt.Errorf("%s is not a directory; name the one with the module's main package", o.Dir)
			}
			r, err := build.Build(cmd.Context(), o)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n  sha256      %s\n  plugin path %s\n  built with  %s\n",
				r.Path, r.SHA256, r.PluginPath, r.GoVersion)
			return err
		},
	}
	cmd.Flags().StringVarP(&o.Output, "output", "o", "", "file to write (default: name of DIR with .so, in the current directory)")
	cmd.Flags().StringVar(&o.SDK, "sdk", "", "source tree of this daemon, for modules outside of it (default: found by itself)")
	cmd.Flags().StringVar(&o.GoCommand, "go", "go", "go command")
	return cmd
}

func newModuleCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE.so",
		Short: "Tell whether this daemon can load a module file, and what is wrong with it if not",
		Args:  oneArg("FILE.so"),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := build.Check(cmd.Context(), args[0], nil)
			out := cmd.OutOrStdout()
			if report != nil {
				printProblems(out, report.Problems)
			}
			switch {
			case report != nil && errors.Is(err, image.ErrIncompatible): // its details have been printed
				return fmt.Errorf("%s: %w", args[0], image.ErrIncompatible)
			case err != nil && strings.Contains(err.Error(), args[0]):
				return err
			case err != nil:
				return fmt.Errorf("%s: %w", args[0], err)
			}
			_, err = fmt.Fprintf(out, "%s: ok\n", args[0])
			return err
		},
	}
}

func newModuleTestCommand() *cobra.Command {
	var o build.TestOptions
	cmd := &cobra.Command{
		Use:   "test DIR [-- GO-TEST-FLAGS]",
		Short: "Run the go tests of the module in DIR against this daemon's source tree",
		Long: "Run go test on the module in DIR and the packages below it, with the SDK and its test harness, " +
			"datastore/plugin/plugintest, from the source tree of this daemon. DIR may be in that tree or in a module of its own.",
		Example: "  datastore module test plugins/helloworld\n  datastore module test ../mymodule -- -race -run TestPush",
		RunE: func(cmd *cobra.Command, args []string) error {
			n := len(args)
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				n, o.Args = dash, args[dash:]
			}
			if err := oneArg("DIR")(cmd, args[:n]); err != nil {
				return err
			}
			o.Dir, o.Out, o.Err = args[0], cmd.OutOrStdout(), cmd.ErrOrStderr()
			err := build.Test(cmd.Context(), o)
			if errors.Is(err, build.ErrTestsFailed) { // go test has said so
				return &exitError{code: 1}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&o.SDK, "sdk", "", "source tree of this daemon, for modules outside of it (default: found by itself)")
	cmd.Flags().StringVar(&o.GoCommand, "go", "go", "go command")
	return cmd
}

// maxProblems is how many problems are shown: a module of another Go release differs in every package.
const maxProblems = 10

func printProblems(out io.Writer, problems []image.Problem) {
	for i, p := range problems {
		if i == maxProblems {
			fmt.Fprintf(out, "and %d more\n", len(problems)-i)
			return
		}
		fmt.Fprintf(out, "%s: module has %s, daemon needs %s; %s\n", p.What, p.Has, p.Needs, p.Fix)
	}
}
