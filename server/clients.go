package server

import (
	"fmt"
	"slices"
	"strings"

	"datastore/server/config"
)

// register enters a new connection; a refusal is the text to send before closing.
func (s *Server) register(c *conn) (refusal string) {
	v := s.values
	if int64(len(s.conns)) >= v.MaxClients {
		s.stats.rejected++
		return "-ERR max number of clients reached\r\n"
	}
	if v.ProtectedMode && v.RequirePass == "" && !c.local {
		s.stats.rejected++
		return deniedText
	}
	s.nextID++
	s.stats.connections++
	c.ID, c.Proto, c.User, c.Owner = s.nextID, 2, defaultUser, c
	c.Authed = v.RequirePass == ""
	c.createdMs = s.monoMs()
	c.strangeMs = c.createdMs
	c.activeMs.Store(c.createdMs)
	s.conns[c.ID] = c
	s.circle.add(c)
	return ""
}

const deniedText = "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for " +
	"the default user. In this mode connections are only accepted from the loopback interface. If you want to connect from " +
	"external computers, set a password with 'requirepass', or turn protected-mode off after making sure that the server is " +
	"not reachable by others.\r\n"

// forget takes a closed connection out of everything that refers to it.
func (s *Server) forget(c *conn, why string) {
	if c.closed {
		return
	}
	c.closed = true
	s.logf(Debug, "Client %d at %s: %s", c.ID, c.addr, why)
	delete(s.conns, c.ID)
	s.circle.remove(c)
	s.endTransaction(c)
	s.endWait(c)
	if c.replica != nil {
		s.dropReplica(c.replica)
	}
	c.obuf = nil
}

// origin says where a client comes from, for directives that allow local clients only.
func (c *conn) origin() config.Origin {
	if c.local && !c.FromStream {
		return config.Local
	}
	return config.Remote
}

// inputTooLarge applies client-query-buffer-limit, and a small limit before authentication, to the unexecuted input and
// what MULTI has queued. It is called by the connection's driver without the lock.
func (s *Server) inputTooLarge(c *conn, n int) bool {
	limit := s.queryLimit.Load()
	if !c.Authed && limit > unauthBytes {
		limit = unauthBytes
	}
	if int64(n)+c.queuedBytes.Load() <= limit {
		return false
	}
	s.mu.Lock()
	s.stats.queryLimitDisconnects++
	s.logf(Warning, "Closing client that reached max query buffer length: %s", c.describe())
	c.kill(false)
	s.mu.Unlock()
	return true
}

// sorted returns the connections by ID.
func (s *Server) sorted() []*conn {
	list := make([]*conn, 0, len(s.conns))
	for _, c := range s.conns {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *conn) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return list
}

// describe returns the connection's line of CLIENT LIST.
func (c *conn) describe() string {
	now := c.srv.monoMs()
	flags := c.flagLetters()
	multi := -1
	if c.InMulti {
		multi = len(c.txn.queued)
	}
	cmd := "NULL"
	if c.lastCmd != nil {
		cmd = c.lastCmd.FullName()
	}
	lib := ""
	if c.libName != "" || c.libVer != "" {
		lib = " lib-name=" + c.libName + " lib-ver=" + c.libVer
	}
	return fmt.Sprintf("id=%d addr=%s laddr=%s fd=%d name=%s age=%d idle=%d flags=%s db=%d sub=0 psub=0 ssub=0 multi=%d "+
		"qbuf=%d qbuf-free=0 argv-mem=0 multi-mem=%d rbs=%d rbp=%d obl=%d oll=0 omem=%d tot-mem=%d events=%s cmd=%s user=%s "+
		"redir=-1 resp=%d%s",
		c.ID, c.addr, c.laddr, c.fd, c.Name, (now-c.createdMs)/1000, (now-c.activeMs.Load())/1000, flags, c.DB, multi,
		c.unread.Load(), c.queuedBytes.Load(), c.unsent.Load(), c.unsent.Load(), c.unsent.Load(), len(c.obuf), c.memory(), c.events(),
		cmd, c.User, c.Proto, lib)
}

// unix reports whether the connection came over a Unix socket, which is shown as path:0.
func (c *conn) unix() bool { return strings.HasSuffix(c.addr, ":0") }

// memory estimates the bytes that a connection occupies, without what is the keyspace's.
func (c *conn) memory() int {
	unsent := max(c.unsent.Load()-c.lent.Load(), 0)
	return connBytes + int(c.unread.Load()+unsent+c.queuedBytes.Load()) + cap(c.obuf)
}

const connBytes = 1024 // the structure itself with its strings and map entries, rounded up

func (c *conn) events() string {
	if c.unsent.Load() > 0 {
		return "rw"
	}
	return "r"
}

func (c *conn) flagLetters() string {
	var b strings.Builder
	add := func(on bool, letter byte) {
		if on {
			b.WriteByte(letter)
		}
	}
	add(c.replica != nil, 'S')
	add(c.InMulti, 'x')
	add(c.blocked.Load() != nil, 'b')
	add(c.txn.touched, 'd')
	add(c.closing.Load() && !c.dead.Load(), 'c')
	add(c.dead.Load(), 'A')
	add(c.unix(), 'U')
	add(c.noEvict, 'e')
	add(c.NoTouch, 'T')
	if b.Len() == 0 {
		return "N"
	}
	return b.String()
}
