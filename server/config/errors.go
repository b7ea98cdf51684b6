package config

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// Replies to CONFIG that carry no argument, byte for byte as in Redis 7.0.
var (
	// ErrNoFile is the reply to CONFIG REWRITE of a server without a file.
	ErrNoFile = errors.New("ERR The server is running without a config file")
	// ErrSyntax is the reply to CONFIG SET with a name that lacks its value.
	ErrSyntax = errors.New("ERR syntax error")
)

// A refusal is the reason why a value or a line is not accepted. It ends up in
// replies and in the block of a ParseError, so it is worded as Redis words it.
type refusal string

func (r refusal) Error() string { return string(r) }

const (
	errImmutable     refusal = "can't set immutable config"
	errProtected     refusal = "can't set protected config"
	errDuplicate     refusal = "duplicate parameter"
	errWords         refusal = "wrong number of arguments"
	errDirective     refusal = "Bad directive or wrong number of arguments"
	errModuleConfig  refusal = "Module config specified without value"
	errQuotes        refusal = "Unbalanced quotes in configuration line"
	errBool          refusal = "argument must be 'yes' or 'no'"
	errInteger       refusal = "argument couldn't be parsed into an integer"
	errOctal         refusal = "argument couldn't be parsed as an octal number"
	errMemory        refusal = "argument must be a memory value"
	errPercent       refusal = "argument must be a memory or percent value"
	errPercentHigh   refusal = "percentage argument must be less or equal to 100"
	errSave          refusal = "Invalid save parameters"
	errSaveNosave    refusal = "shutdown options SAVE and NOSAVE can't be used simultaneously"
	errBufferWords   refusal = "Wrong number of arguments in buffer limit configuration."
	errBufferClass   refusal = "Invalid client class specified in buffer limit configuration."
	errBufferNumber  refusal = "Error in hard, soft or soft_seconds setting in buffer limit configuration."
	errOOMScore      refusal = "Invalid oom-score-adj-values, elements must be between -2000 and 2000."
	errEvents        refusal = "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."
	errPercentile    refusal = "Invalid latency-tracking-info-percentiles parameters"
	errPercentileMax refusal = "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"
	errMasterPort    refusal = "Invalid master port"
	errBindCount     refusal = "Too many bind addresses specified."
	errTemplate      refusal = "template format is invalid or contains unknown variables"
	errHostname      refusal = "Hostnames may only contain alphanumeric characters, hyphens or dots"
	errHostnameLong  refusal = "Hostnames must be less than 256 characters"
)

var errNestedInclude = fmt.Errorf("include is nested deeper than %d files", maxIncludeDepth)

// A ParseError says which line of which source stopped the start.
type ParseError struct {
	File   string // path, "standard input" or "command line"
	Line   int    // counted from 1; 0 when the file could not be read
	Text   string // the line without surrounding blanks
	Reason string
}

// Error returns the error on one line.
func (e *ParseError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("can't open config file '%s': %s", e.File, e.Reason)
	}
	return fmt.Sprintf("%s, line %d, '%s': %s", e.File, e.Line, e.Text, e.Reason)
}

// Block renders the error for standard error in the shape supervisors and test
// frameworks know from redis-server, followed by a line that names the file.
// The argument is the Redis version this server claims to be.
func (e *ParseError) Block(version string) string {
	if e.Line == 0 {
		return "Fatal error, " + e.Error() + "\n"
	}
	return fmt.Sprintf("\n*** FATAL CONFIG FILE ERROR (Redis %s) ***\n"+
		"Reading the configuration file, at line %d\n>>> '%s'\n%s\nin %s\n",
		version, e.Line, e.Text, e.Reason, e.File)
}

// A SetError is the reply to a CONFIG SET that changed nothing.
type SetError struct {
	Argument string
	Reason   string
}

// Error returns the reply byte for byte as in Redis 7.0.
func (e *SetError) Error() string {
	return "ERR CONFIG SET failed (possibly related to argument '" + e.Argument + "') - " + e.Reason
}

// An UnknownOptionError is the reply to CONFIG SET of an unknown directive.
type UnknownOptionError struct{ Option string }

// Error returns the reply byte for byte as in Redis 7.0.
func (e *UnknownOptionError) Error() string {
	return "ERR Unknown option or number of arguments for CONFIG SET - '" + e.Option + "'"
}

func unknownOption(name string) error { return &UnknownOptionError{Option: name} }

// systemReason words an error of the operating system as strerror does:
// without path, first letter in upper case.
func systemReason(err error) string {
	var errno syscall.Errno
	var path *fs.PathError
	text := err.Error()
	switch {
	case errors.As(err, &errno):
		text = errno.Error()
	case errors.As(err, &path):
		text = path.Err.Error()
	}
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
