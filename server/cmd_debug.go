package server

import (
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"datastore/keyspace/rdb"
	"datastore/server/command"
	"datastore/server/glob"
)

// maxDebugSleep bounds DEBUG SLEEP, during which nobody is served.
const maxDebugSleep = time.Hour

var errStringLength = command.Errorf("ERR value is out of range, must be positive")

// debugCommand is one subcommand of DEBUG. They are no subcommands in the table, as COMMAND shows none with Redis either.
type debugCommand struct {
	name     string
	min, max int // arguments with DEBUG and the name; max 0 for any number
	run      func(c *command.Ctx) error
	usage    string
	summary  string
}

func (s *Server) debugCommands() []debugCommand {
	return []debugCommand{
		{"CHANGE-REPL-ID", 2, 2, s.debugChangeReplID, "", "Begin a new replication history"},
		{"DIGEST", 2, 2, s.debugDigest, "", "Sum up the whole dataset"},
		{"DIGEST-VALUE", 2, 0, s.debugDigestValue, "<key> [<key> ...]", "Sum up the values of keys"},
		{"ERROR", 3, 3, debugError, "<text>", "Answer with that error"},
		{"HELP", 2, 2, s.debugHelp, "", "Print this list"},
		{"JMAP", 2, 2, debugNothing, "", "Do nothing: there is no Java heap here"},
		{"LOADAOF", 2, 2, s.debugLoadAOF, "", "Write the AOF's buffer, forget the dataset and load the AOF"},
		{"LOG", 3, 3, s.debugLog, "<text>", "Write a line to the log"},
		{"OBJECT", 3, 0, debugObject, "<key>", "Show how a value is kept"},
		{"PANIC", 2, 2, s.debugPanic, "", "End the process with a panic"},
		{"PAUSE-CRON", 3, 3, debugSwitch(&s.admin.cronPaused), "<0|1>", "Stop the periodic work, or go on with it"},
		{"POPULATE", 3, 5, debugPopulate, "<count> [<prefix>] [<size>]", "Create strings that are not replicated"},
		{"PROFILE", 3, 4, s.debugProfile, "<CPU|HEAP|STOP> [<file>]", "Take a profile for go tool pprof, with modules and their commands as tags"},
		{"PROTOCOL", 3, 3, debugProtocol, "<type>", "Answer with a reply of that type"},
		{"RELOAD", 2, 0, s.debugReload, "[NOSAVE] [NOFLUSH] [MERGE]", "Save the dataset, forget it and load it"},
		{"SEGFAULT", 2, 2, s.debugSegfault, "", "End the process with an invalid memory access"},
		{"SET-ACTIVE-EXPIRE", 3, 3, debugSwitch(&s.activeExpire), "<0|1>", "Switch the search for expired keys off or on"},
		{"SET-SKIP-CHECKSUM-VALIDATION", 3, 3, debugSwitch(&s.admin.skipChecksum), "<0|1>", "Load an RDB whatever its checksum"},
		{"SLEEP", 3, 3, debugSleep, "<seconds>", "Serve nobody for a while"},
		{"STRINGMATCH-LEN", 4, 4, debugStringMatch, "<length> <pattern>", "Match a text of that many letters a"},
	}
}

func (s *Server) debug(c *command.Ctx) error {
	for _, d := range s.debugCommands() {
		if c.Is(1, d.name) && len(c.Args) >= d.min && (d.max == 0 || len(c.Args) <= d.max) {
			return d.run(c)
		}
	}
	return command.Errorf("ERR unknown subcommand or wrong number of arguments for '" + command.Clip(c.Args[1], 128) +
		"'. Try DEBUG HELP.")
}

func (s *Server) debugHelp(c *command.Ctx) error {
	list := s.debugCommands()
	c.W.Array(1 + 2*len(list))
	c.W.Status("DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
	for _, d := range list {
		c.W.Status(strings.TrimSpace(d.name + " " + d.usage))
		c.W.Status("    " + d.summary + ".")
	}
	return nil
}

func debugNothing(c *command.Ctx) error {
	c.W.OK()
	return nil
}

func debugError(c *command.Ctx) error { return command.Errorf(c.Arg(2)) }

func (s *Server) debugLog(c *command.Ctx) error {
	s.logf(Warning, "DEBUG LOG: %s", c.Args[2])
	c.W.OK()
	return nil
}

// debugSleep sleeps under the lock: that nobody is served is the purpose. What is no number counts as 0, as with Redis.
func debugSleep(c *command.Ctx) error {
	sec, err := strconv.ParseFloat(c.Arg(2), 64)
	if err == nil && sec > 0 {
		time.Sleep(time.Duration(min(sec, maxDebugSleep.Seconds()) * float64(time.Second)))
	}
	c.W.OK()
	return nil
}

// debugSwitch sets a switch to 0 or 1; what is no number counts as 0, as with Redis.
func debugSwitch(on *bool) command.Handler {
	return func(c *command.Ctx) error {
		n, err := strconv.Atoi(c.Arg(2))
		*on = err == nil && n != 0
		c.W.OK()
		return nil
	}
}

func (s *Server) debugChangeReplID(c *command.Ctx) error {
	s.logf(Warning, "Changing replication IDs after receiving change-repl-id")
	s.repl.init()
	c.W.OK()
	return nil
}

func (s *Server) debugDigest(c *command.Ctx) error {
	sum := s.store.Digest()
	c.W.Status(hex.EncodeToString(sum[:]))
	return nil
}

func (s *Server) debugDigestValue(c *command.Ctx) error {
	c.W.Array(len(c.Args) - 2)
	for _, key := range c.Args[2:] {
		sum := c.DB.Peek(key).Digest()
		c.W.Status(hex.EncodeToString(sum[:]))
	}
	return nil
}

// debugObject shows the address of the record that holds a key, and its length in an RDB.
func debugObject(c *command.Ctx) error {
	e := c.DB.Peek(c.Args[2])
	if !e.Exists() {
		return command.ErrNoKey
	}
	var err error
	if c.Scratch, err = rdb.AppendValue(c.Scratch[:0], e, true); err != nil {
		return err
	}
	idle := e.IdleSeconds()
	c.W.Status(fmt.Sprintf("Value at:%p refcount:1 encoding:%s serializedlength:%d lru:%d lru_seconds_idle:%d", e.Key(),
		e.Encoding(), len(c.Scratch)-1, (c.NowMs/1000-idle)&(1<<24-1), idle))
	return nil
}

// debugPopulate creates strings key:0 … key:n-1 with values value:0 …, padded with zero bytes or cut to a size. As with
// Redis they are neither replicated nor logged.
func debugPopulate(c *command.Ctx) error {
	count, err := c.Int(2)
	if err != nil || count < 0 {
		return command.ErrMustBePositive
	}
	prefix, size := "key", 0
	if len(c.Args) > 3 {
		prefix = c.Arg(3)
	}
	if len(c.Args) > 4 {
		n, err := c.Int(4)
		if err != nil || n < 0 {
			return command.ErrMustBePositive
		}
		if n > int64(c.MaxBulkBytes) {
			return command.ErrTooLong
		}
		size = int(n)
	}
	c.Effects.Drop()
	value := make([]byte, 0, max(size, 32))
	for i := range count {
		key := fmt.Appendf(nil, "%s:%d", prefix, i)
		if c.DB.Exists(key) {
			continue
		}
		value = fmt.Appendf(value[:0], "value:%d", i)
		if size > 0 {
			for len(value) < size {
				value = append(value, 0)
			}
			value = value[:size]
		}
		c.DB.SetStr(key, value)
	}
	c.W.OK()
	return nil
}

// debugStringMatch measures the glob matcher: it matches a text of the letter a against a pattern.
func debugStringMatch(c *command.Ctx) error {
	n, err := c.Int(2)
	if err != nil || n < 0 || n > int64(c.MaxBulkBytes) {
		return errStringLength
	}
	text := make([]byte, n)
	for i := range text {
		text[i] = 'a'
	}
	if glob.Match(c.Args[3], text) {
		c.W.Int(1)
	} else {
		c.W.Int(0)
	}
	return nil
}

// debugPanic ends the process as a panic outside any handler would: with the stacks of all goroutines.
func (s *Server) debugPanic(*command.Ctx) error {
	s.logf(Warning, "Guru Meditation: a client asked for a panic")
	return signalSelf(syscall.SIGABRT)
}

func (s *Server) debugSegfault(*command.Ctx) error {
	s.logf(Warning, "Guru Meditation: a client asked for an invalid memory access")
	return signalSelf(syscall.SIGSEGV)
}

// signalSelf sends the process a signal that ends it.
func signalSelf(sig syscall.Signal) error {
	if err := syscall.Kill(os.Getpid(), sig); err != nil {
		return fmt.Errorf("sending %v: %w", sig, err)
	}
	time.Sleep(time.Second) // the signal arrives meanwhile
	return fmt.Errorf("the process survived %v", sig)
}

var errProtocolType = command.Errorf("ERR Wrong protocol type name. Please use one of the following: string|integer|double|" +
	"bignum|null|array|set|map|attrib|push|verbatim|true|false")

var errOnlyRESP3 = command.Errorf("ERR RESP2 is not supported by this command")

// debugProtocol answers with an example of a type, for tests of clients.
func debugProtocol(c *command.Ctx) error {
	w := &c.W
	numbers := func() {
		for i := range 3 {
			w.Int(int64(i))
		}
	}
	switch strings.ToLower(c.Arg(2)) {
	case "string":
		w.BulkString("Hello World")
	case "integer":
		w.Int(12345)
	case "double":
		w.Double(3.141)
	case "bignum":
		w.BigNumber([]byte("1234567999999999999999999999999999999"))
	case "null":
		w.Null()
	case "array":
		w.Array(3)
		numbers()
	case "set":
		w.Set(3)
		numbers()
	case "map":
		w.Map(3)
		for i := range 3 {
			w.Int(int64(i))
			w.Bool(i == 1)
		}
	case "verbatim":
		w.Verbatim("txt", []byte("This is a verbatim\nstring"))
	case "true":
		w.Bool(true)
	case "false":
		w.Bool(false)
	default:
		return debugOutOfBand(c)
	}
	return nil
}

// debugOutOfBand answers with what only RESP3 has: an attribute or a push message, before a reply.
func debugOutOfBand(c *command.Ctx) error {
	w := &c.W
	switch {
	case c.Is(2, "ATTRIB"):
		if w.Proto >= 3 {
			w.Attribute(1)
			w.BulkString("key-popularity")
			w.Array(2)
			w.BulkString("key:123")
			w.Int(90)
		}
		w.BulkString("Some real reply following the attribute")
	case c.Is(2, "PUSH") && w.Proto < 3:
		return errOnlyRESP3
	case c.Is(2, "PUSH"):
		w.Push(2)
		w.BulkString("server-cpu-usage")
		w.Int(42)
		w.BulkString("Some real reply following the push reply")
	default:
		return errProtocolType
	}
	return nil
}
