package server

import (
	"datastore/server/command"
	"datastore/server/latency"
	"datastore/server/resp"
)

// latencyCommands describes LATENCY.
func (s *Server) latencyCommands() []command.Command {
	return []command.Command{
		{
			Name: "latency", Arity: -2, Group: "server", Since: "2.8.13",
			Summary: "Groups the commands about what takes long", Complexity: "That of the subcommand",
			Subs: []command.Command{
				{
					Name: "doctor", Arity: 2, Group: "server", Since: "2.8.13", Handler: s.latencyDoctor,
					Flags:   command.Admin | command.NoScript | command.Loading | command.Stale,
					Tips:    []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
					Summary: "Explains the events that took long and what can be done about them", Complexity: "O(1)",
				},
				{
					Name: "graph", Arity: 3, Group: "server", Since: "2.8.13", Handler: s.latencyGraph,
					Flags:   command.Admin | command.NoScript | command.Loading | command.Stale,
					Tips:    []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
					Summary: "Draws how long an event took over time", Complexity: "O(1)",
					Args: []command.Arg{
						{Name: "event"},
					},
				},
				{
					Name: "help", Arity: 2, Group: "server", Since: "2.8.13", Handler: containerHelp,
					Flags:   command.Loading | command.Stale,
					Summary: "Lists the subcommands", Complexity: "O(1)",
				},
				{
					Name: "histogram", Arity: -2, Group: "server", Since: "7.0.0", Handler: s.latencyHistogram,
					Flags:   command.Admin | command.NoScript | command.Loading | command.Stale,
					Tips:    []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
					Summary: "Answers how the times of commands are distributed", Complexity: "O(N), N being the number of commands asked for",
					Args: []command.Arg{
						{Name: "command", Optional: true, Multiple: true},
					},
				},
				{
					Name: "history", Arity: 3, Group: "server", Since: "2.8.13", Handler: s.latencyHistory,
					Flags:   command.Admin | command.NoScript | command.Loading | command.Stale,
					Tips:    []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
					Summary: "Answers when an event took long, and how long", Complexity: "O(1)",
					Args: []command.Arg{
						{Name: "event"},
					},
				},
				{
					Name: "latest", Arity: 2, Group: "server", Since: "2.8.13", Handler: s.latencyLatest,
					Flags:   command.Admin | command.NoScript | command.Loading | command.Stale,
					Tips:    []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
					Summary: "Answers when each event took long last, how long, and how long at most", Complexity: "O(1)",
				},
				{
					Name: "reset", Arity: -2, Group: "server", Since: "2.8.13", Handler: s.latencyReset,
					Flags:   command.Admin | command.NoScript | command.Loading | command.Stale,
					Tips:    []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
					Summary: "Forgets events, all of them unless some are named", Complexity: "O(1)",
					Args: []command.Arg{
						{Name: "event", Optional: true, Multiple: true},
					},
				},
			},
		},
	}
}

func (s *Server) latencyLatest(c *command.Ctx) error {
	m := &s.timing.monitor
	events := m.Events()
	c.W.Array(len(events))
	for _, event := range events {
		sum := m.Summarize(event, 0)
		c.W.Array(4)
		c.W.BulkString(event)
		c.W.Int(sum.Latest.Sec)
		c.W.Int(sum.Latest.Ms)
		c.W.Int(sum.WorstMs)
	}
	return nil
}

func (s *Server) latencyHistory(c *command.Ctx) error {
	list := s.timing.monitor.History(c.Arg(2))
	c.W.Array(len(list))
	for _, x := range list {
		c.W.Array(2)
		c.W.Int(x.Sec)
		c.W.Int(x.Ms)
	}
	return nil
}

func (s *Server) latencyGraph(c *command.Ctx) error {
	m, event := &s.timing.monitor, c.Arg(2)
	if m.History(event) == nil {
		return command.Errorf("ERR No samples available for event '" + event + "'")
	}
	c.W.Verbatim("txt", m.Graph(event, s.turn.Unix()))
	return nil
}

func (s *Server) latencyReset(c *command.Ctx) error {
	m := &s.timing.monitor
	var events []string
	if len(c.Args) == 2 {
		events = m.Events()
	}
	for i := 2; i < len(c.Args); i++ {
		events = append(events, c.Arg(i))
	}
	n := 0
	for _, event := range events {
		if m.Reset(event) {
			n++
		}
	}
	c.W.Int(int64(n))
	return nil
}

// latencyHistogram answers LATENCY HISTOGRAM [command …]. A container stands for its subcommands; what does not exist or
// was not called is left out.
func (s *Server) latencyHistogram(c *command.Ctx) error {
	mark, n := c.W.Deferred(), 0
	var buckets []latency.Bucket
	write := func(cmd *command.Command) {
		if h := &cmd.Stats.Latency; h.Count() > 0 {
			buckets = h.Buckets(buckets[:0])
			writeHistogram(&c.W, cmd.FullName(), h.Count(), buckets)
			n++
		}
	}
	if len(c.Args) == 2 {
		s.eachCommand(write)
	}
	for _, name := range c.Args[2:] {
		if cmd := s.named(name); cmd != nil {
			write(cmd)
			for i := range cmd.Subs {
				write(&cmd.Subs[i])
			}
		}
	}
	c.W.SetDeferredMap(mark, n)
	return nil
}

func writeHistogram(w *resp.Writer, name string, calls int64, buckets []latency.Bucket) {
	w.BulkString(name)
	w.Map(2)
	w.BulkString("calls")
	w.Int(calls)
	w.BulkString("histogram_usec")
	w.Map(len(buckets))
	for _, b := range buckets {
		w.Int(b.UpToNanos / 1000)
		w.Int(b.Count)
	}
}

// infoLatencyStats writes the percentiles that latency-tracking-info-percentiles names, in microseconds.
func (s *Server) infoLatencyStats(t *infoText) {
	if !s.timing.tracking {
		return
	}
	s.eachCommand(func(cmd *command.Command) {
		if h := &cmd.Stats.Latency; h.Count() > 0 {
			t.rawLine("latency_percentiles_usec_%s:%s", cmd.FullName(), percentiles(h, s.values.LatencyPercentiles))
		}
	})
}
