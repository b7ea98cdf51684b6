package aof

import (
	"errors"
	"fmt"
	"strings"

	"datastore/server/vfs"
)

// Reasons why a manifest is refused. FatalLines says them in Redis's words.
var (
	ErrManifestFormat    = errors.New("invalid AOF manifest file format")
	ErrManifestEmpty     = errors.New("found an empty AOF manifest")
	ErrManifestLongLine  = errors.New("the AOF manifest file contains too long line")
	ErrManifestPath      = errors.New("file can't be a path, just a filename")
	ErrManifestType      = errors.New("unknown AOF file type")
	ErrManifestTwoBases  = errors.New("found duplicate base file information")
	ErrManifestSeq       = errors.New("found a non-monotonic sequence number")
	ErrManifestDuplicate = errors.New("found a file name twice")
)

// Reasons why a load stops. LoadError wraps one of them.
var (
	// ErrTruncated: the file ends inside a unit and may not be cut.
	ErrTruncated = errors.New("unexpected end of file")
	// ErrCorrupt: bytes that are no valid record, or whose checksum differs.
	ErrCorrupt = errors.New("damaged record")
	// ErrVersion: the file says that it was written in a format this version does not know.
	ErrVersion = errors.New("unknown format version")
	// ErrUnknownCommand is for Applier.Command to wrap when a command does not exist.
	ErrUnknownCommand = errors.New("unknown command")
	// ErrApply: the applier refused a command or an RDB part.
	ErrApply = errors.New("cannot apply")
)

// Misuse and states.
var (
	ErrNotAFileName         = errors.New("a file name must not contain a path")
	ErrPartsWithoutManifest = errors.New("append only file parts without a manifest")
	ErrMissingPart          = errors.New("append only file part is missing")
	ErrNotLoaded            = errors.New("existing append only file was not loaded")
	ErrNotRunning           = errors.New("append only file is not open for appending")
	ErrRunning              = errors.New("append only file is already open for appending")
	ErrRewriteRunning       = errors.New("a rewrite is already running")
	// ErrSync marks the sticky state after a failed fsync: what the kernel still holds is unknown, so only a new base
	// written from memory ends it.
	ErrSync = errors.New("fsync of the append only file failed")
	// ErrAborted marks the sticky state after a fresh rewrite that took the place of an open file was aborted.
	ErrAborted = errors.New("the replacement of the append only file was aborted")
)

// ManifestError is a manifest that cannot be used.
type ManifestError struct {
	// Line counts from 1; 0 is the file as a whole.
	Line   int
	Text   string
	Reason error
}

func (e *ManifestError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("manifest: %v", e.Reason)
	}
	return fmt.Sprintf("manifest line %d %q: %v", e.Line, e.Text, e.Reason)
}

// Unwrap gives the reason.
func (e *ManifestError) Unwrap() error { return e.Reason }

// MissingPartError names a part that the manifest lists and the disk lacks.
type MissingPartError struct{ File string }

func (e *MissingPartError) Error() string { return fmt.Sprintf("%v: %s", ErrMissingPart, e.File) }

// Unwrap makes errors.Is(err, ErrMissingPart) true.
func (e *MissingPartError) Unwrap() error { return ErrMissingPart }

// LoadError says where a load stopped.
type LoadError struct {
	// File is the name of the part, Manifest the path of its manifest.
	File, Manifest string
	// Offset is where the unit begins that could not be loaded, in bytes from the start of the file; Pos is the byte
	// at which that was noticed.
	Offset, Pos int64
	// Record counts the units of the file from 1.
	Record int64
	// Reason wraps one of the sentinels above.
	Reason error
	// Command is the name of the command that was refused, when there is one.
	Command string
}

func (e *LoadError) Error() string {
	text := fmt.Sprintf("%s: record %d at offset %d", e.File, e.Record, e.Offset)
	if e.Pos > e.Offset {
		text += fmt.Sprintf(" (noticed at offset %d)", e.Pos)
	}
	if e.Command != "" {
		text += fmt.Sprintf(": command '%s'", e.Command)
	}
	return text + ": " + e.Reason.Error()
}

// Unwrap gives the reason.
func (e *LoadError) Unwrap() error { return e.Reason }

// FatalLines returns the lines to log at level Warning before the process ends because Open or Load failed with err:
// first what this package knows, last the words that Redis uses for the situation and that tools wait for.
func FatalLines(err error) []string {
	var load *LoadError
	var man *ManifestError
	var missing *MissingPartError
	var locked *vfs.LockedError
	switch {
	case errors.As(err, &man):
		return man.fatalLines()
	case errors.As(err, &load):
		return []string{load.detail(), load.lastWords()}
	case errors.As(err, &missing):
		return []string{err.Error(),
			fmt.Sprintf("Unable to obtain the AOF file %s length. stat: No such file or directory", missing.File)}
	case errors.As(err, &locked):
		return []string{"Can't use the data directory: " + locked.Error()}
	}
	return []string{"Can't open or create the append only file: " + err.Error()}
}

func (e *ManifestError) fatalLines() []string {
	lines := []string{"*** FATAL AOF MANIFEST FILE ERROR ***"}
	if e.Line > 0 {
		lines = append(lines, fmt.Sprintf("Reading the manifest file, at line %d", e.Line), fmt.Sprintf(">>> '%s'", e.Text))
	}
	words := e.Reason.Error()
	return append(lines, strings.ToUpper(words[:1])+words[1:])
}

func (e *LoadError) detail() string {
	text := "AOF load stopped: " + e.Error()
	if errors.Is(e, ErrCorrupt) || errors.Is(e, ErrTruncated) {
		text += fmt.Sprintf("; to inspect it run: datastore aof check %s; to cut the file there: datastore aof check --fix %s",
			e.Manifest, e.Manifest)
	}
	return text
}

func (e *LoadError) lastWords() string {
	switch {
	case errors.Is(e, ErrUnknownCommand):
		return fmt.Sprintf("Unknown command '%s' reading the append only file %s", e.Command, e.File)
	case errors.Is(e, ErrTruncated):
		return fmt.Sprintf("Unexpected end of file reading the append only file %s. You can: 1) Make a backup of your AOF file, "+
			"then use datastore aof check --fix <filename.manifest>. 2) Alternatively you can set the 'aof-load-truncated' "+
			"configuration option to yes and restart the server.", e.File)
	}
	return fmt.Sprintf("Bad file format reading the append only file %s: make a backup of your AOF file, "+
		"then use datastore aof check --fix <filename.manifest>", e.File)
}
