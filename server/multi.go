package server

import (
	"datastore/server/command"
)

// transaction is what MULTI has queued and WATCH has asked for.
type transaction struct {
	queued  []queued
	bytes   int  // of all queued arguments, counted against client-query-buffer-limit
	failed  bool // a command was refused while queueing: EXEC answers EXECABORT
	touched bool // a watched key changed: EXEC answers null
	watched []watchedKey
}

type queued struct {
	cmd  *command.Command
	args [][]byte
}

// watchedKey is a key of a database.
type watchedKey struct {
	db  int
	key string
}

// queue copies a command, whose arguments alias the input buffer, until EXEC.
func (t *transaction) queue(args [][]byte, cmd *command.Command) {
	n := 0
	for _, a := range args {
		n += len(a)
	}
	t.bytes += n + len(args)*24
	buf := make([]byte, 0, n)
	cp := make([][]byte, len(args))
	for i, a := range args {
		from := len(buf)
		buf = append(buf, a...)
		cp[i] = buf[from:len(buf):len(buf)]
	}
	t.queued = append(t.queued, queued{cmd, cp})
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
	switch {
	case t.failed:
		return errExecAbort
	case t.touched:
		c.W.NullArray()
		return nil
	}
	for _, q := range t.queued {
		if q.cmd.Is(command.Write) && s.link != nil && s.values.ReplicaReadOnly {
			return command.Errorf("EXECABORT Transaction discarded because of: " + errReadOnly.Text)
		}
		if q.cmd.Is(command.Write) && s.aofErr != nil {
			return command.Errorf("EXECABORT Transaction discarded because of: MISCONF Errors writing to the AOF file: " +
				s.aofErr.Error())
		}
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
		start, mute := len(c.W.Buf), o.replyOff || o.closing
		s.call(cl, cmd, q.args)
		if mute && (o.replyOff || o.closing) { // as Redis does: CLIENT REPLY OFF and KILL leave the array short
			c.W.Buf = c.W.Buf[:start]
		}
	}
	cl.InExec, cl.DenyBlock = false, false
	c.Effects.Drop() // the queued commands have declared theirs
	return nil
}

func (s *Server) watch(c *command.Ctx) error {
	if c.Client.InMulti {
		return errWatchMulti
	}
	o := ownerOf(c)
	for _, key := range c.Args[1:] {
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
	s.store.OnChange(s.keyChanged)
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
		s.store.OnChange(nil)
	}
}

// keyChanged is told by the keyspace before each change while anybody watches a key.
func (s *Server) keyChanged(db int, key []byte) {
	for _, c := range s.watchers[watchedKey{db, string(key)}] {
		c.txn.touched = true
	}
}

// keyExpired is told by the keyspace before it deletes a key whose time has come: the deletion is an effect of its own.
func (s *Server) keyExpired(db int, key []byte) {
	s.ctx.Effects.AddNow(db, delName(), key)
}

func delName() []byte { return []byte("DEL") }
