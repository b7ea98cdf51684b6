package server

import "datastore/server/command"

var (
	errNoSuchClient = command.Errorf("ERR No such client")
	errKillID       = command.Errorf("ERR client-id should be greater than 0")
)

// killFilter is what CLIENT KILL asks for; zero values match everybody.
type killFilter struct {
	id          uint64
	kind        clientKind
	byKind      bool
	user        string
	addr, laddr string
	keepSelf    bool
}

// clientKill answers CLIENT KILL addr and CLIENT KILL filter value ….
func (s *Server) clientKill(c *command.Ctx) error {
	if len(c.Args) == 3 {
		n := s.killMatching(c, &killFilter{addr: c.Arg(2)})
		if n == 0 {
			return errNoSuchClient
		}
		c.W.OK()
		return nil
	}
	f := &killFilter{keepSelf: true}
	for i := 2; i < len(c.Args); i += 2 {
		if i+1 >= len(c.Args) {
			return command.ErrSyntax
		}
		if err := f.read(c, i); err != nil {
			return err
		}
	}
	c.W.Int(int64(s.killMatching(c, f)))
	return nil
}

// read takes the filter at argument i and its value behind it.
func (f *killFilter) read(c *command.Ctx, i int) error {
	var err error
	switch {
	case c.Is(i, "ID"):
		id, err := c.Int(i + 1)
		if err != nil || id < 1 {
			return errKillID
		}
		f.id = uint64(id)
	case c.Is(i, "TYPE"):
		f.byKind = true
		f.kind, err = parseKind(c.Args[i+1])
	case c.Is(i, "ADDR"):
		f.addr = c.Arg(i + 1)
	case c.Is(i, "LADDR"):
		f.laddr = c.Arg(i + 1)
	case c.Is(i, "USER"):
		f.user = c.Arg(i + 1)
		if f.user != defaultUser {
			err = command.Errorf("ERR No such user '" + command.Clip(c.Args[i+1], 128) + "'")
		}
	case c.Is(i, "SKIPME") && c.Is(i+1, "YES"):
		f.keepSelf = true
	case c.Is(i, "SKIPME") && c.Is(i+1, "NO"):
		f.keepSelf = false
	default:
		err = command.ErrSyntax
	}
	return err
}

func (f *killFilter) matches(o *conn) bool {
	return (f.id == 0 || o.ID == f.id) && (!f.byKind || o.kind() == f.kind) && (f.user == "" || o.User == f.user) &&
		(f.addr == "" || o.addr == f.addr) && (f.laddr == "" || o.laddr == f.laddr)
}

// killMatching closes connections and returns how many; the caller's own only after its reply.
func (s *Server) killMatching(c *command.Ctx, f *killFilter) (n int) {
	for _, o := range s.sorted() {
		self := c.Client.Owner == any(o)
		if !f.matches(o) || o.closing.Load() || self && f.keepSelf {
			continue
		}
		n++
		o.kill(self)
	}
	return n
}
