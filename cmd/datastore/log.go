package main

import (
	"io"
	"strconv"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"datastore/server"
	"datastore/server/config"
)

// The log's levels on zap's scale: four of Redis's, in order.
const (
	levelDebug   = zapcore.DebugLevel
	levelVerbose = zapcore.InfoLevel
	levelNotice  = zapcore.WarnLevel
	levelWarning = zapcore.ErrorLevel
)

func zapLevel(l server.Level) zapcore.Level {
	switch l {
	case server.Debug:
		return levelDebug
	case server.Verbose:
		return levelVerbose
	case server.Notice:
		return levelNotice
	}
	return levelWarning
}

func configLevel(l config.LogLevel) zapcore.Level {
	return [...]zapcore.Level{levelDebug, levelVerbose, levelNotice, levelWarning}[l]
}

// newLogger writes lines to w in the configured format. role returns the letter of the server's role: M, S, C or X.
func newLogger(w io.Writer, v *config.Values, pid int, role func() byte) (*zap.Logger, zap.AtomicLevel) {
	level := zap.NewAtomicLevelAt(configLevel(v.LogLevel))
	sink := zapcore.Lock(zapcore.AddSync(w))
	if v.LogFormat == config.LogJSON {
		enc := zapcore.NewJSONEncoder(zapcore.EncoderConfig{
			TimeKey: "time", LevelKey: "level", MessageKey: "msg", NameKey: "logger", LineEnding: "\n",
			EncodeTime: zapcore.RFC3339NanoTimeEncoder, EncodeLevel: encodeLevel, EncodeDuration: zapcore.StringDurationEncoder,
		})
		return zap.New(zapcore.NewCore(enc, sink, level)).With(zap.Int("pid", pid)), level
	}
	return zap.New(&consoleCore{LevelEnabler: level, w: sink, pid: pid, role: role}), level
}

func encodeLevel(l zapcore.Level, enc zapcore.PrimitiveArrayEncoder) {
	switch l {
	case levelDebug:
		enc.AppendString("debug")
	case levelVerbose:
		enc.AppendString("verbose")
	case levelNotice:
		enc.AppendString("notice")
	default:
		enc.AppendString("warning")
	}
}

// consoleCore writes the line format of redis-server: PID:ROLE DD Mon YYYY HH:MM:SS.mmm LEVEL text.
type consoleCore struct {
	zapcore.LevelEnabler
	w    zapcore.WriteSyncer
	pid  int
	role func() byte
}

// With ignores fields: the format has no place for them.
func (c *consoleCore) With([]zapcore.Field) zapcore.Core { return c }

// Check adds the core when the level is enabled.
func (c *consoleCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

// Write writes one line.
func (c *consoleCore) Write(e zapcore.Entry, _ []zapcore.Field) error {
	mark := byte('#')
	switch e.Level {
	case levelDebug:
		mark = '.'
	case levelVerbose:
		mark = '-'
	case levelNotice:
		mark = '*'
	}
	line := strconv.AppendInt(make([]byte, 0, 64+len(e.Message)), int64(c.pid), 10)
	line = append(line, ':', c.role(), ' ')
	line = e.Time.AppendFormat(line, "02 Jan 2006 15:04:05.000")
	line = append(line, ' ', mark, ' ')
	line = append(line, e.Message...)
	_, err := c.w.Write(append(line, '\n'))
	return err
}

// Sync flushes nothing: every line is written at once.
func (c *consoleCore) Sync() error { return nil }
