package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"datastore/aof"
	"datastore/keyspace"
	"datastore/keyspace/rdb"
	"datastore/server/vfs"
)

// newAOFCommand returns "datastore aof" with check.
func newAOFCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "aof",
		Short: "Inspect append only files",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var fix bool
	check := &cobra.Command{
		Use:   "check MANIFEST",
		Short: "Verify every record of the files that a manifest lists",
		Long: "Verify every record of the files that a manifest (DIR/appendonlydir/appendonly.aof.manifest) lists and report damage " +
			"with file and offset. With --fix the last file is cut at its first damaged record; what is cut off is kept in a " +
			"file beside it. The server must not be running.",
		Args: oneArg("MANIFEST"),
		RunE: func(cmd *cobra.Command, args []string) error { return checkAOF(cmd.OutOrStdout(), args[0], fix) },
	}
	check.Flags().BoolVar(&fix, "fix", false, "cut the last file at its first damaged record")
	cmd.AddCommand(check)
	return cmd
}

// checkAOF reports what is wrong; the error says that something is, so that scripts see it in the exit code.
func checkAOF(out io.Writer, manifest string, fix bool) (err error) {
	name, ok := strings.CutSuffix(filepath.Base(manifest), ".manifest")
	if !ok {
		return fmt.Errorf("%s is no manifest: its name ends in .manifest", manifest)
	}
	if _, err := os.Stat(manifest); err != nil {
		return err
	}
	parts, err := filepath.Abs(filepath.Dir(manifest))
	if err != nil {
		return err
	}
	log, err := aof.Open(aof.Options{FS: vfs.OS{}, Dir: filepath.Dir(parts), DirName: filepath.Base(parts), FileName: name})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if !log.Exists() {
		return fmt.Errorf("%s lists no files", manifest)
	}
	files, err := log.Check(checkRDB)
	if err != nil {
		return err
	}
	damaged := 0
	for _, f := range files {
		fmt.Fprintf(out, "%s: %d bytes, %d records, %d of them without a checksum\n", f.Name, f.SizeBytes, f.Units, f.Unchecked)
		for i := range f.Findings {
			bad := &f.Findings[i]
			damaged++
			fmt.Fprintf(out, "  offset %d: %v\n", bad.Offset, bad.Reason)
			if bad.Torn {
				fmt.Fprintln(out, "    a torn end: the server cuts it off by itself when it starts")
			}
			if bad.ResumesAt > 0 {
				fmt.Fprintf(out, "    records go on at offset %d\n", bad.ResumesAt)
			}
		}
	}
	if damaged == 0 {
		_, err := fmt.Fprintln(out, "ok")
		return err
	}
	if !fix {
		return &exitError{code: 1, err: fmt.Errorf("%d damaged places; --fix cuts the last file at its first one", damaged)}
	}
	kept, dropped, err := log.Fix(files)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "cut: %d bytes dropped, kept in %s\n", dropped, filepath.Join(parts, kept))
	return err
}

// checkRDB verifies a base file by loading it into a keyspace of its own.
func checkRDB(r io.Reader, _ int64) (int64, error) {
	s := keyspace.New(keyspace.Options{})
	defer s.Close()
	info, err := rdb.Load(r, s, rdb.LoadOptions{KeepExpired: true})
	return info.Bytes, err
}
