package server

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"datastore/server/command"
	"datastore/server/resp"
)

const maxAnnouncedIPBytes = 255

var (
	errMasterPort    = command.Errorf("ERR Invalid master port")
	errReplicaClient = command.Errorf("ERR Command is not valid when client is a replica.")
	errFollowSelf    = command.Errorf("ERR REPLICAOF would make this server a replica of itself")
	errFollowLocal   = command.Errorf("ERR REPLICAOF a link-local address is not allowed")
)

// replicationCommands are the commands between primaries and replicas, and those that administer them.
func (s *Server) replicationCommands() []command.Command {
	const admin = command.Admin | command.NoScript
	replicaOf := func(name, since string) command.Command {
		return command.Command{
			Name: name, Arity: 3, Group: "server", Since: since, Handler: s.replicaOf,
			Flags: admin | command.Stale | command.NoAsyncLoading,
			Args: []command.Arg{{Name: "args", Kind: command.ArgOneOf, Args: []command.Arg{
				{Name: "host-port", Kind: command.ArgBlock, Args: []command.Arg{
					{Name: "host"}, {Name: "port", Kind: command.ArgInteger},
				}},
				{Name: "no-one", Kind: command.ArgBlock, Args: []command.Arg{
					{Name: "no", Kind: command.ArgPureToken, Token: "NO"},
					{Name: "one", Kind: command.ArgPureToken, Token: "ONE"},
				}},
			}}},
			Summary: "Makes the server a replica of another one, or a primary.", Complexity: "O(1)",
		}
	}
	slaveOf := replicaOf("slaveof", "1.0.0")
	slaveOf.Deprecated, slaveOf.ReplacedBy = "5.0.0", "`REPLICAOF`"
	return []command.Command{
		replicaOf("replicaof", "5.0.0"), slaveOf,
		{
			Name: "role", Arity: 1, Group: "server", Since: "2.8.12", Handler: s.role,
			Flags: command.NoScript | command.Loading | command.Stale | command.Fast, ACL: []string{"admin", "dangerous"},
			Summary: "Tells the role of the server in replication.", Complexity: "O(1)",
		},
		{
			Name: "replconf", Arity: -1, Group: "server", Since: "3.0.0", Handler: s.replConf,
			Flags:   admin | command.Loading | command.Stale | command.AllowBusy | command.SysCmd,
			Summary: "What a replica tells its primary about itself.", Complexity: "O(1)",
		},
		{
			Name: "psync", Arity: -3, Group: "server", Since: "2.8.0", Handler: s.psync,
			Flags:   admin | command.NoAsyncLoading | command.NoMulti,
			Args:    []command.Arg{{Name: "replicationid"}, {Name: "offset", Kind: command.ArgInteger}},
			Summary: "Begins replication over this connection.",
		},
		{
			Name: "sync", Arity: 1, Group: "server", Since: "1.0.0", Handler: s.sync,
			Flags:   admin | command.NoAsyncLoading | command.NoMulti,
			Summary: "Begins replication over this connection, in the way of old replicas.",
		},
		{
			Name: "wait", Arity: 3, Group: "generic", Since: "3.0.0", Handler: s.waitReplicas,
			Flags: command.NoScript, ACL: []string{"connection"},
			Tips: []string{"request_policy:all_shards", "response_policy:agg_min"},
			Args: []command.Arg{
				{Name: "numreplicas", Kind: command.ArgInteger}, {Name: "timeout", Kind: command.ArgInteger},
			},
			Summary: "Waits until replicas have acknowledged all writes so far.", Complexity: "O(1)",
		},
	}
}

// replicaOf is REPLICAOF and SLAVEOF.
func (s *Server) replicaOf(c *command.Ctx) error {
	o := ownerOf(c)
	if c.Is(1, "NO") && c.Is(2, "ONE") {
		if s.link != nil {
			s.unfollow()
			s.logf(Notice, "MASTER MODE enabled (user request from '%s')", o.describe())
			s.noteReplicaOf("no", "one")
		}
		c.W.OK()
		return nil
	}
	if o.replica != nil {
		return errReplicaClient
	}
	port, ok := resp.ParseInt(c.Args[2])
	if !ok || port < 0 || port > 65535 {
		return errMasterPort
	}
	host := c.Arg(1)
	if f := s.link; f != nil && strings.EqualFold(f.host, host) && f.port == int(port) {
		s.logf(Notice, "REPLICAOF would result into synchronization with the master we are already connected with. No "+
			"operation performed.")
		c.W.Status("OK Already connected to specified master")
		return nil
	}
	if err := s.refusePrimary(host, int(port)); err != nil {
		return err
	}
	s.follow(host, int(port))
	s.logf(Notice, "REPLICAOF %s:%d enabled (user request from '%s')", host, port, o.describe())
	s.noteReplicaOf(host, strconv.Itoa(int(port)))
	c.W.OK()
	return nil
}

// noteReplicaOf keeps the directive true for CONFIG GET and CONFIG REWRITE.
func (s *Server) noteReplicaOf(words ...string) {
	if err := s.cfg.Assign("replicaof", words...); err != nil {
		s.logf(Warning, "The replicaof directive does not take %q: %v", words, err)
	}
}

// refusePrimary refuses this server itself, as far as its address gives it away, and link-local addresses, behind which
// clouds keep their metadata services; a name that resolves to one is refused when the link connects.
func (s *Server) refusePrimary(host string, port int) error {
	if strings.EqualFold(host, "localhost") {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return nil
	}
	ip = ip.Unmap()
	if ip.Is4() && ip.IsLinkLocalUnicast() {
		return errFollowLocal
	}
	if port == s.values.Port && s.listensOn(ip) {
		return errFollowSelf
	}
	return nil
}

// listensOn reports whether a listener of this server has the address.
func (s *Server) listensOn(ip netip.Addr) bool {
	for _, bind := range s.values.Bind {
		switch bind = strings.TrimPrefix(bind, "-"); bind {
		case "*", "::*", "0.0.0.0", "::":
			if isOwnAddr(ip) {
				return true
			}
		case "localhost":
			bind = "127.0.0.1"
			fallthrough
		default:
			if a, err := netip.ParseAddr(bind); err == nil && a.Unmap() == ip {
				return true
			}
		}
	}
	return false
}

// isOwnAddr reports whether the address belongs to this host.
func isOwnAddr(ip netip.Addr) bool {
	if ip.IsLoopback() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Unmap() == ip {
			return true
		}
	}
	return false
}

// replConf is REPLCONF.
func (s *Server) replConf(c *command.Ctx) error {
	if len(c.Args)%2 == 0 {
		return command.ErrSyntax
	}
	o := ownerOf(c)
	for i := 1; i < len(c.Args); i += 2 {
		switch {
		case c.Is(i, "ACK"):
			s.replConfAck(o, c.Args[i+1])
			return nil // without a reply
		case c.Is(i, "GETACK"):
			return nil // only a primary may ask, and its link answers
		}
		if err := o.handshake.take(c, i); err != nil {
			return err
		}
	}
	c.W.OK()
	return nil
}

func (s *Server) replConfAck(o *conn, arg []byte) {
	if offset, ok := resp.ParseInt(arg); ok && o.replica != nil && !o.replica.gone {
		s.acknowledged(o.replica, offset)
	}
}

// take notes the option at position i of a REPLCONF.
func (h *handshake) take(c *command.Ctx, i int) error {
	value := c.Args[i+1]
	switch {
	case c.Is(i, "LISTENING-PORT"):
		n, err := c.Int(i + 1)
		if err != nil {
			return err
		}
		h.listeningPort = int(n)
	case c.Is(i, "IP-ADDRESS"):
		if len(value) > maxAnnouncedIPBytes {
			return command.Errorf(fmt.Sprintf("ERR REPLCONF ip-address provided by replica instance is too long: %d bytes",
				len(value)))
		}
		h.announcedIP = printableText(string(value))
	case c.Is(i, "CAPA"):
		h.eof = h.eof || command.IsKeyword(value, "EOF")
		h.psync2 = h.psync2 || command.IsKeyword(value, "PSYNC2")
	case c.Is(i, "RDB-ONLY"):
		n, err := c.Int(i + 1)
		if err != nil {
			return err
		}
		h.rdbOnly = n == 1
	case c.Is(i, "RDB-FILTER-ONLY"):
		if len(value) > 0 {
			return command.Errorf("ERR Unsupported rdb-filter-only option: " + command.Clip(value, 128))
		}
	default:
		return command.Errorf("ERR Unrecognized REPLCONF option: " + command.Clip(c.Args[i], 128))
	}
	return nil
}

// printableText replaces what would break a line of the log or of INFO, and cuts the text.
func printableText(text string) string {
	return strings.Map(printable, text[:min(len(text), maxAnnouncedIPBytes)])
}

func printable(r rune) rune {
	if r < ' ' || r == ',' || r == 0x7f {
		return '?'
	}
	return r
}

// psync is PSYNC: it goes on where the replica's former link was lost, if that is known here, or synchronizes in full.
func (s *Server) psync(c *command.Ctx) error {
	next, err := c.Int(2)
	if err != nil {
		return err
	}
	o := ownerOf(c)
	if o.replica != nil {
		return nil
	}
	id := c.Arg(1)
	if s.backlogHas(id, next-1) && !o.rdbOnly {
		return s.attach(o, true, next-1)
	}
	if id != "?" {
		s.repl.syncPartialErr++
		s.logf(Notice, "Partial resynchronization not accepted: the replica asked for '%s' from offset %d, my replication IDs "+
			"are '%s' and '%s'", printableText(id), next, s.repl.id, s.repl.id2)
	}
	return s.attach(o, true, -1)
}

// sync is SYNC, without offsets and acknowledgements; redis-cli uses it.
func (s *Server) sync(c *command.Ctx) error {
	o := ownerOf(c)
	if o.replica != nil {
		return nil
	}
	return s.attach(o, false, -1)
}
