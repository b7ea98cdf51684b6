package server

import (
	"strings"

	"datastore/server/command"
)

// transaction is what MULTI has queued and WATCH has asked for.
type transaction struct {
	queued  []queued
	failed  bool // a command was refused while queueing: EXEC answers EXECABORT
	touched bool // a watched key changed: EXEC answers null
	watched []watchedKey
}

type queued struct {
	cmd  *command.Command
	args [][]byte
}

// Memory of a queued command besides the bytes of its arguments.
const (
	argBytes    = 24
	queuedBytes = 64 // with what the growth of the queue wastes
)

// watchedKey is a key of a database.
type watchedKey struct {
	db  int
	key string
}

// queue copies a command, whose arguments alias the input buffer, until EXEC. A transaction that has failed already keeps
// nothing.
func (c *conn) queue(args [][]byte, cmd *command.Command) {
	if c.txn.failed || c.txn.touched {
		return
	}
	n := 0
	for _, a := range args {
		n += len(a)
	}
	c.queuedBytes.Add(int64(n + len(args)*argBytes + queuedBytes))
	buf := make([]byte, 0, n)
	cp := make([][]byte, len(args))
	for i, a := range args {
		from := len(buf)
		buf = append(buf, a...)
		cp[i] = buf[from:len(buf):len(buf)]
	}
	c.txn.queued = append(c.txn.queued, queued{cmd, cp})
}

var (
	errNestedMulti = command.Errorf("ERR MULTI calls can not be nested")
	errExecNoMulti = command.Errorf("ERR EXEC without MULTI")
	errDiscardNo   = command.Errorf("ERR DISCARD without MULTI")
	errWatchMulti  = command.Errorf("ERR WATCH inside MULTI is not allowed")
	errExecAbort   = command.Errorf("EXECABORT Transaction discarded because of previous errors.")
)

func (s *Server) multi(c *command.Ctx) error {
	if c.Client.InMulti {
		return errNestedMulti
	}
	c.Client.InMulti = true
	c.W.OK()
	return nil
}

func (s *Server) discard(c *command.Ctx) error {
	if !c.Client.InMulti {
		return errDiscardNo
	}
	s.endTransaction(ownerOf(c))
	c.W.OK()
	return nil
}

// endTransaction forgets the queue and all watched keys.
func (s *Server) endTransaction(c *conn) {
	c.InMulti = false
	watched := c.txn.watched
	c.txn = transaction{}
	c.queuedBytes.Store(0)
	s.unwatchAll(c, watched)
}

// exec runs the queue as one unit.
func (s *Server) exec(c *command.Ctx) error {
	cl := c.Client
	if !cl.InMulti {
		return errExecNoMulti
	}
	o := ownerOf(c)
	for _, w := range o.txn.watched {
		s.store.DB(w.db).Exists([]byte(w.key)) // one whose time has come counts as changed
	}
	t := o.txn
	s.endTransaction(o)
	refusal := s.refused(o, t.queued)
	switch {
	case refusal != nil:
		return discarded(refusal)
	case t.failed:
		return errExecAbort
	case t.touched:
		c.W.NullArray()
		return nil
	}
	cl.InExec, cl.DenyBlock = true, true
	c.W.Array(len(t.queued))
	for _, q := range t.queued {
		cmd := q.cmd
		if now := s.table.Load().Resolve(q.args); now != cmd {
			cmd = now // a module was loaded or unloaded meanwhile
		}
		if cmd == nil {
			s.ctx.W.Error(s.unknown(o, q.args).Text)
			continue
		}
		start, mute := len(c.W.Buf), o.replyOff || o.closing.Load()
		s.call(cl, cmd, q.args)
		if mute && (o.replyOff || o.closing.Load()) { // as Redis does: CLIENT REPLY OFF and KILL leave the array short
			s.cutReply(start)
		}
	}
	cl.InExec, cl.DenyBlock = false, false
	c.Effects.Drop() // the queued commands have declared theirs
	return nil
}

// discarded is the error of an EXEC that was refused for a reason that has a reply of its own.
func discarded(why *command.Error) *command.Error {
	return command.Errorf("EXECABORT Transaction discarded because of: " + strings.TrimPrefix(why.Text, "ERR "))
}

// refused returns why the server's condition, which may have changed since they were queued, does not admit commands.
func (s *Server) refused(o *conn, list []queued) *command.Error {
	if s.calm {
		return nil
	}
	for _, q := range list {
		if q.cmd.Name == "ping" {
			continue // a transaction that writes nothing runs also while the AOF cannot be written
		}
		if err := s.restricted(o, q.cmd); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) watch(c *command.Ctx) error {
	if c.Client.InMulti {
		return errWatchMulti
	}
	o := ownerOf(c)
	for _, key := range c.Args[1:] {
		c.DB.Exists(key) // one whose time has come is gone now, and its deletion no change
		s.watchKey(o, watchedKey{c.Client.DB, string(key)})
	}
	c.W.OK()
	return nil
}

func (s *Server) watchKey(o *conn, w watchedKey) {
	for _, have := range o.txn.watched {
		if have == w {
			return
		}
	}
	o.txn.watched = append(o.txn.watched, w)
	if s.watchers == nil {
		s.watchers = map[watchedKey][]*conn{}
	}
	s.watchers[w] = append(s.watchers[w], o)
	s.observeChanges()
}

func (s *Server) unwatch(c *command.Ctx) error {
	o := ownerOf(c)
	watched := o.txn.watched
	o.txn.watched, o.txn.touched = nil, false
	s.unwatchAll(o, watched)
	c.W.OK()
	return nil
}

func (s *Server) unwatchAll(o *conn, watched []watchedKey) {
	for _, w := range watched {
		list := s.watchers[w]
		for i, c := range list {
			if c == o {
				list[i] = list[len(list)-1]
				list = list[:len(list)-1]
				break
			}
		}
		if len(list) == 0 {
			delete(s.watchers, w)
		} else {
			s.watchers[w] = list
		}
	}
	if len(s.watchers) == 0 {
		s.observeChanges()
	}
}

// keyChanged is told by the keyspace before each change while anybody watches a key or waits for one.
func (s *Server) keyChanged(db int, key []byte) {
	if s.modules.observing {
		s.modules.host.KeyChanging(db, key)
	}
	for _, c := range s.watchers[watchedKey{db, string(key)}] {
		c.txn.touched = true
	}
}

// keyExpired is told by the keyspace before it deletes a key whose time has come: the deletion is an effect of its own.
func (s *Server) keyExpired(db int, key []byte) {
	s.ctx.Effects.AddNow(db, delName(), key)
}

func delName() []byte { return []byte("DEL") }
