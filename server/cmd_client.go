package server

import (
	"strings"

	"datastore/server/command"
)

var (
	errClientID     = command.Errorf("ERR Invalid client ID")
	errUnblockMode  = command.Errorf("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
	errUnblockArity = command.Errorf("ERR unknown subcommand or wrong number of arguments for 'UNBLOCK'. Try CLIENT HELP.")
)

const unblockedText = "UNBLOCKED client unblocked via CLIENT UNBLOCK"

func clientID(c *command.Ctx) error {
	c.W.Int(int64(c.Client.ID))
	return nil
}

func clientGetName(c *command.Ctx) error {
	if c.Client.Name == "" {
		c.W.Null()
		return nil
	}
	c.W.BulkString(c.Client.Name)
	return nil
}

func clientSetName(c *command.Ctx) error {
	if !plainText(c.Args[2]) {
		return errClientName
	}
	c.Client.Name = c.Arg(2)
	c.W.OK()
	return nil
}

// clientSetInfo notes what CLIENT LIST shows as lib-name and lib-ver.
func clientSetInfo(c *command.Ctx) error {
	o := ownerOf(c)
	field := &o.libName
	switch {
	case c.Is(2, "LIB-NAME"):
	case c.Is(2, "LIB-VER"):
		field = &o.libVer
	default:
		return command.Errorf("ERR Unrecognized option '" + command.Clip(c.Args[2], 128) + "'")
	}
	if !plainText(c.Args[3]) {
		return command.Errorf("ERR " + strings.ToLower(c.Arg(2)) + " cannot contain spaces, newlines or special characters.")
	}
	*field = c.Arg(3)
	c.W.OK()
	return nil
}

func clientInfo(c *command.Ctx) error {
	c.W.Verbatim("txt", []byte(ownerOf(c).describe()+"\n"))
	return nil
}

// onOff reads argument 2 as ON or OFF.
func onOff(c *command.Ctx) (on bool, err error) {
	switch {
	case c.Is(2, "ON"):
		return true, nil
	case c.Is(2, "OFF"):
		return false, nil
	}
	return false, command.ErrSyntax
}

func clientNoEvict(c *command.Ctx) error {
	on, err := onOff(c)
	if err != nil {
		return err
	}
	ownerOf(c).noEvict = on
	c.W.OK()
	return nil
}

func clientNoTouch(c *command.Ctx) error {
	on, err := onOff(c)
	if err != nil {
		return err
	}
	c.Client.NoTouch = on
	c.W.OK()
	return nil
}

// clientReply switches replies. OFF and SKIP are not answered themselves; SKIP while replies are off changes nothing.
func clientReply(c *command.Ctx) error {
	o := ownerOf(c)
	switch {
	case c.Is(2, "ON"):
		o.replyOff, o.replySkip = false, 0
		c.W.OK()
	case c.Is(2, "OFF"):
		o.replyOff = true
	case !c.Is(2, "SKIP"):
		return command.ErrSyntax
	case !o.replyOff:
		o.replySkip = skipNext
	}
	return nil
}

func clientGetRedir(c *command.Ctx) error {
	c.W.Int(-1) // tracking is never on
	return nil
}

func clientTrackingInfo(c *command.Ctx) error {
	c.W.Map(3)
	c.W.BulkString("flags")
	c.W.Set(1)
	c.W.BulkString("off")
	c.W.BulkString("redirect")
	c.W.Int(-1)
	c.W.BulkString("prefixes")
	c.W.Array(0)
	return nil
}

// clientUnblock ends the wait of a blocked connection, as if its time had run out or with an error.
func (s *Server) clientUnblock(c *command.Ctx) error {
	fail := false
	switch {
	case len(c.Args) > 4:
		return errUnblockArity
	case len(c.Args) == 3 || c.Is(3, "TIMEOUT"):
	case c.Is(3, "ERROR"):
		fail = true
	default:
		return errUnblockMode
	}
	id, err := c.Int(2)
	if err != nil {
		return err
	}
	o := s.conns[uint64(id)]
	if o == nil || o.blocked.Load() == nil || !o.blocked.Load().mayExpire() {
		c.W.Int(0)
		return nil
	}
	module := o.blocked.Load().module
	if module != nil && !fail {
		module.TimedOut()
		c.W.Int(1)
		return nil
	}
	w := &c.W
	start, proto := len(w.Buf), w.Proto
	w.Proto = o.Proto
	if fail {
		w.Error(unblockedText)
	} else {
		o.blocked.Load().expire()
	}
	w.Proto = proto
	s.unblock(o)
	if module != nil {
		module.Unblocked()
	}
	o.push(w.Buf[start:])
	w.Buf = w.Buf[:start]
	c.W.Int(1)
	return nil
}

// clientKinds are the values of TYPE.
type clientKind uint8

const (
	kindNormal clientKind = iota
	kindReplica
	kindPubSub
	kindPrimary
)

func parseKind(arg []byte) (clientKind, error) {
	switch {
	case command.IsKeyword(arg, "NORMAL"):
		return kindNormal, nil
	case command.IsKeyword(arg, "SLAVE"), command.IsKeyword(arg, "REPLICA"):
		return kindReplica, nil
	case command.IsKeyword(arg, "PUBSUB"):
		return kindPubSub, nil
	case command.IsKeyword(arg, "MASTER"):
		return kindPrimary, nil
	}
	return 0, command.Errorf("ERR Unknown client type '" + command.Clip(arg, 128) + "'")
}

func (c *conn) kind() clientKind {
	if c.replica != nil {
		return kindReplica
	}
	return kindNormal
}

// clientList answers CLIENT LIST [TYPE kind | ID id …].
func (s *Server) clientList(c *command.Ctx) error {
	var list []*conn
	switch {
	case len(c.Args) == 2:
		list = s.sorted()
	case c.Is(2, "TYPE") && len(c.Args) == 4:
		kind, err := parseKind(c.Args[3])
		if err != nil {
			return err
		}
		for _, o := range s.sorted() {
			if o.kind() == kind {
				list = append(list, o)
			}
		}
	case c.Is(2, "ID") && len(c.Args) > 3:
		for i := 3; i < len(c.Args); i++ {
			id, err := c.Int(i)
			if err != nil {
				return errClientID
			}
			if o := s.conns[uint64(id)]; o != nil {
				list = append(list, o)
			}
		}
	default:
		return command.ErrSyntax
	}
	var b strings.Builder
	for _, o := range list {
		b.WriteString(o.describe())
		b.WriteByte('\n')
	}
	c.W.Verbatim("txt", []byte(b.String()))
	return nil
}
