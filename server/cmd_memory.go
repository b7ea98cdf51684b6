package server

import (
	"fmt"
	"time"

	"datastore/server/command"
	"datastore/server/resp"
)

// memoryCommands describes MEMORY.
func (s *Server) memoryCommands() []command.Command {
	return []command.Command{
		{
			Name: "memory", Arity: -2, Group: "server", Since: "4.0.0",
			Summary: "Groups the commands about memory", Complexity: "That of the subcommand",
			Subs: []command.Command{
				{
					Name: "doctor", Arity: 2, Group: "server", Since: "4.0.0", Handler: s.memoryDoctor,
					Tips:    []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
					Summary: "Tells in words what is odd about the memory in use", Complexity: "O(1)",
				},
				{
					Name: "help", Arity: 2, Group: "server", Since: "4.0.0", Handler: containerHelp,
					Flags:   command.Loading | command.Stale,
					Summary: "Lists the subcommands", Complexity: "O(1)",
				},
				{
					Name: "malloc-stats", Arity: 2, Group: "server", Since: "4.0.0", Handler: s.memoryMallocStats,
					Tips:    []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
					Summary: "Describes the allocator and the Go heap", Complexity: "O(1), as a bounded number of chunks is looked at",
				},
				{
					Name: "purge", Arity: 2, Group: "server", Since: "4.0.0", Handler: s.memoryPurge,
					Tips:    []string{"request_policy:all_shards", "response_policy:all_succeeded"},
					Summary: "Gives unused memory back to the system", Complexity: "Depends on how much that is",
				},
				{
					Name: "stats", Arity: 2, Group: "server", Since: "4.0.0", Handler: s.memoryStats,
					Tips:    []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
					Summary: "Answers what memory is used for", Complexity: "O(1)",
				},
				{
					Name: "usage", Arity: -3, Group: "server", Since: "4.0.0", Handler: memoryUsage,
					Flags:   command.ReadOnly,
					Keys:    []command.KeySpec{{Flags: command.RO, Index: 2}},
					Summary: "Answers the bytes that a key and its value occupy", Complexity: "O(1), as values keep count of their bytes",
					Args: []command.Arg{
						{Name: "key", Kind: command.ArgKey},
						{Name: "count", Kind: command.ArgInteger, Token: "SAMPLES", Optional: true},
					},
				},
			},
		},
	}
}

// memoryUsage answers MEMORY USAGE key [SAMPLES n]. Values keep count of their bytes, so that the answer is exact whatever
// number of samples is asked for; only the types of modules may count otherwise.
func memoryUsage(c *command.Ctx) error {
	samples := int64(defaultSamples)
	for i := 3; i < len(c.Args); i += 2 {
		if !c.Is(i, "SAMPLES") || i+1 == len(c.Args) {
			return command.ErrSyntax
		}
		n, err := c.Int(i + 1)
		if err != nil {
			return err
		}
		if n < 0 {
			return command.ErrSyntax
		}
		samples = n
	}
	n, ok := c.DB.UsageOf(c.Args[2], int(samples))
	if !ok {
		c.W.Null()
		return nil
	}
	c.W.Int(n)
	return nil
}

// defaultSamples is the number of samples that the types of modules are told, as in Redis.
const defaultSamples = 5

func (s *Server) memoryStats(c *command.Ctx) error {
	f := s.memoryFacts()
	mark := c.W.Deferred()
	r := memoryReply{w: &c.W}
	r.int("peak.allocated", f.peak)
	r.int("total.allocated", f.used)
	r.int("startup.allocated", f.startup)
	r.int("replication.backlog", f.backlog)
	r.int("clients.slaves", f.replicas)
	r.int("clients.normal", f.normal)
	r.int("cluster.links", 0)
	r.int("aof.buffer", f.aofBuffer)
	r.int("lua.caches", 0)
	r.int("functions.caches", 0)
	for _, t := range f.tables {
		r.name(fmt.Sprintf("db.%d", t.db))
		c.W.Map(3)
		tables := memoryReply{w: &c.W}
		tables.int("overhead.hashtable.main", t.keys)
		tables.int("overhead.hashtable.expires", t.expires)
		tables.int("overhead.hashtable.slot-to-keys", 0)
	}
	r.int("overhead.total", f.overhead)
	r.int("keys.count", f.keys)
	r.int("keys.bytes-per-key", int64(quotient(f.gained(), f.keys)))
	r.int("dataset.bytes", f.dataset)
	r.double("dataset.percentage", 100*quotient(f.dataset, f.gained()))
	r.double("peak.percentage", 100*quotient(f.used, f.peak))
	r.int("allocator.allocated", f.allocated)
	r.int("allocator.active", f.active)
	r.int("allocator.resident", f.resident)
	r.double("allocator-fragmentation.ratio", quotient(f.active, f.allocated))
	r.int("allocator-fragmentation.bytes", f.active-f.allocated)
	r.double("allocator-rss.ratio", quotient(f.resident, f.active))
	r.int("allocator-rss.bytes", f.resident-f.active)
	r.double("rss-overhead.ratio", quotient(f.rss, f.resident))
	r.int("rss-overhead.bytes", f.rss-f.resident)
	r.double("fragmentation", quotient(f.rss, f.used))
	r.int("fragmentation.bytes", f.rss-f.used)
	c.W.SetDeferredMap(mark, r.n)
	return nil
}

// memoryReply writes the fields of MEMORY STATS and counts them.
type memoryReply struct {
	w *resp.Writer
	n int
}

func (r *memoryReply) name(name string) {
	r.n++
	r.w.BulkString(name)
}

func (r *memoryReply) int(name string, value int64) {
	r.name(name)
	r.w.Int(value)
}

func (r *memoryReply) double(name string, value float64) {
	r.name(name)
	r.w.Double(value)
}

// purgeTime bounds how long MEMORY PURGE keeps others waiting with the dataset's memory; the rest is given back between
// other work.
const purgeTime = 5 * time.Millisecond

// memoryPurge gives back what the allocator and the Go heap keep for reuse; most of it, and all of the heap's, after the reply.
func (s *Server) memoryPurge(c *command.Ctx) error {
	s.store.Age()
	s.background.purgeDue = s.store.DirtyBytes()
	for end := time.Now().Add(purgeTime); s.purgeSome() && time.Now().Before(end); {
	}
	s.trim.now()
	c.W.OK()
	return nil
}
