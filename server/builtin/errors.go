package builtin

import (
	"errors"

	"datastore/keyspace"
	"datastore/server/command"
)

// Errors of strings and of numbers in general.
var (
	errMSetArity       = command.ErrArity("mset")
	errMSetNXArity     = command.ErrArity("msetnx")
	errOffset          = &command.Error{Text: "ERR offset is out of range"}
	errDecrOverflow    = &command.Error{Text: "ERR decrement would overflow"}
	errIntRange        = &command.Error{Text: "ERR value is out of range, value must between -2147483648 and 2147483647"}
	errLongRange       = &command.Error{Text: "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"}
	errReplyTooLong    = &command.Error{Text: "ERR value is out of range, the reply would be too long"}
	errInvalidFirstDB  = &command.Error{Text: "ERR invalid first DB index"}
	errInvalidSecondDB = &command.Error{Text: "ERR invalid second DB index"}
)

// Errors of the expiry commands.
var (
	errExpireNX   = &command.Error{Text: "ERR NX and XX, GT or LT options at the same time are not compatible"}
	errExpireGTLT = &command.Error{Text: "ERR GT and LT options at the same time are not compatible"}
)

// errLFU answers OBJECT FREQ: keys have an access clock here, not a frequency counter.
var errLFU = &command.Error{Text: "ERR An LFU maxmemory policy is not selected, access frequency not tracked. " +
	"Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."}

// Errors of RESTORE.
var (
	errBusyKey      = &command.Error{Text: "BUSYKEY Target key name already exists."}
	errRestoreTTL   = &command.Error{Text: "ERR Invalid TTL value, must be >= 0"}
	errRestoreIdle  = &command.Error{Text: "ERR Invalid IDLETIME value, must be >= 0"}
	errRestoreFreq  = &command.Error{Text: "ERR Invalid FREQ value, must be >= 0 and <= 255"}
	errDumpChecksum = &command.Error{Text: "ERR DUMP payload version or checksum are wrong"}
	errDumpFormat   = &command.Error{Text: "ERR Bad data format"}
)

// Errors of hashes.
var (
	errHashNotInteger = &command.Error{Text: "ERR hash value is not an integer"}
	errHashNotFloat   = &command.Error{Text: "ERR hash value is not a float"}
	errNaNOrInfinity  = &command.Error{Text: "ERR value is NaN or Infinity"}
)

// Errors of sorted sets.
var (
	errZAddXXNX      = &command.Error{Text: "ERR XX and NX options at the same time are not compatible"}
	errZAddGTLTNX    = &command.Error{Text: "ERR GT, LT, and/or NX options at the same time are not compatible"}
	errZAddIncr      = &command.Error{Text: "ERR INCR option supports a single increment-element pair"}
	errNaN           = &command.Error{Text: "ERR resulting score is not a number (NaN)"}
	errScoreRange    = &command.Error{Text: "ERR min or max is not a float"}
	errLexRange      = &command.Error{Text: "ERR min or max not valid string range item"}
	errRankLimit     = &command.Error{Text: "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"}
	errLexWithScores = &command.Error{Text: "ERR syntax error, WITHSCORES not supported in combination with BYLEX"}
)

// errExpireTime is the error for a time that cannot be an expiry of the running command.
func errExpireTime(c *command.Ctx) error {
	return command.Errorf("ERR invalid expire time in '" + c.Cmd.FullName() + "' command")
}

func errUnsupportedOption(option []byte) error {
	return command.Errorf("ERR Unsupported option " + string(option))
}

// clientError turns an error of the keyspace into the error that a client sees.
func clientError(err error) error {
	switch {
	case errors.Is(err, keyspace.ErrWrongType):
		return command.ErrWrongType
	case errors.Is(err, keyspace.ErrTooLong):
		return command.ErrTooLong
	case errors.Is(err, keyspace.ErrNaN):
		return errNaN
	}
	return err
}
