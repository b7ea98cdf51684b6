package server

import (
	"math"
	"net"
	"slices"
	"strconv"
	"time"

	"datastore/server/command"
	"datastore/server/latency"
)

// defaultSlowShown is how many executions SLOWLOG GET shows when it is not told.
const defaultSlowShown = 10

var (
	errSlowCount = command.Errorf("ERR count should be greater than or equal to -1")
	errSlowGet   = command.Errorf("ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.")
)

// slowlogCommands describes SLOWLOG.
func (s *Server) slowlogCommands() []command.Command {
	return []command.Command{
		{
			Name: "slowlog", Arity: -2, Group: "server", Since: "2.2.12",
			Summary: "Groups the commands about executions that took long", Complexity: "That of the subcommand",
			Subs: []command.Command{
				{
					Name: "get", Arity: -2, Group: "server", Since: "2.2.12", Handler: s.slowlogGet,
					Flags:   command.Admin | command.Loading | command.Stale,
					Tips:    []string{"request_policy:all_nodes", "nondeterministic_output"},
					Summary: "Answers the executions that took long, the newest first", Complexity: "O(N), N being the number of executions",
					History: []command.Change{{Since: "4.0.0", What: "The client's address and name."}},
					Args: []command.Arg{
						{Name: "count", Kind: command.ArgInteger, Optional: true},
					},
				},
				{
					Name: "help", Arity: 2, Group: "server", Since: "6.2.0", Handler: containerHelp,
					Flags:   command.Loading | command.Stale,
					Summary: "Lists the subcommands", Complexity: "O(1)",
				},
				{
					Name: "len", Arity: 2, Group: "server", Since: "2.2.12", Handler: s.slowlogLen,
					Flags:   command.Admin | command.Loading | command.Stale,
					Tips:    []string{"request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"},
					Summary: "Counts the executions that are remembered", Complexity: "O(1)",
				},
				{
					Name: "reset", Arity: 2, Group: "server", Since: "2.2.12", Handler: s.slowlogReset,
					Flags:   command.Admin | command.Loading | command.Stale,
					Tips:    []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
					Summary: "Forgets the executions", Complexity: "O(N), N being the number of executions",
				},
			},
		},
	}
}

func (s *Server) slowlogGet(c *command.Ctx) error {
	count := int64(defaultSlowShown)
	if len(c.Args) > 3 {
		return errSlowGet
	}
	if len(c.Args) == 3 {
		n, err := c.Int(2)
		if err != nil || n < -1 {
			return errSlowCount
		}
		if count = n; n == -1 {
			count = math.MaxInt64
		}
	}
	l := &s.timing.slow
	list := l.Newest(int(min(count, int64(l.Len()))))
	c.W.Array(len(list))
	for _, e := range slices.Backward(list) {
		c.W.Array(6)
		c.W.Int(e.ID)
		c.W.Int(e.Sec)
		c.W.Int(e.Usec)
		c.W.Array(len(e.Args))
		for _, a := range e.Args {
			c.W.BulkString(a)
		}
		c.W.BulkString(e.Addr)
		c.W.BulkString(e.Name)
	}
	return nil
}

func (s *Server) slowlogLen(c *command.Ctx) error {
	c.W.Int(int64(s.timing.slow.Len()))
	return nil
}

func (s *Server) slowlogReset(c *command.Ctx) error {
	s.timing.slow.Reset()
	c.W.OK()
	return nil
}

// applySlowlog puts slowlog-log-slower-than into force. A log that slowlog-max-len has made shorter forgets with the next
// execution, as with Redis.
func (s *Server) applySlowlog() {
	t := &s.timing
	t.slowNanos = math.MaxInt64
	if us := s.values.SlowlogLogSlowerThanUs; us >= 0 && us < math.MaxInt64/int64(time.Microsecond) {
		t.slowNanos = us * int64(time.Microsecond)
	}
	t.applyNotable()
}

// noteSlow remembers an execution in the slow log, unless it has blocked its client (WAIT): most of its time is to come, and
// counts for nothing. Commands that a module calls for a client that is blocked are remembered.
func (s *Server) noteSlow(cl *command.Client, cmd *command.Command, args [][]byte, nanos int64) {
	if o, ok := cl.Owner.(*conn); ok && s.running == 0 && o.blocked.Load() != nil || cmd.Is(command.SkipSlowlog) {
		return
	}
	s.addSlow(cl, latency.Abridge(args, cmd.Secret), nanos)
}

func (s *Server) addSlow(cl *command.Client, args []string, nanos int64) {
	e := latency.Execution{Sec: s.clock().Unix(), Usec: nanos / int64(time.Microsecond), Args: args, Name: cl.Name}
	if o, ok := cl.Owner.(*conn); ok {
		e.Addr = o.addr
	} else if cl.FromStream && s.link != nil {
		e.Addr = net.JoinHostPort(s.link.host, strconv.Itoa(s.link.port))
	}
	s.timing.slow.Add(e, s.values.SlowlogMaxLen)
}
