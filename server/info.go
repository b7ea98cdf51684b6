package server

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"datastore/keyspace"
	"datastore/server/command"
)

// adminState is what the administrative commands remember. The atomic counters are the driver's, the rest belongs to whoever
// holds the execution lock.
type adminState struct {
	startupBytes  int64 // memory used before the dataset was loaded
	loginFailures int64
	loginLoggedMs int64 // when the last failure was logged
	loadedKeys    int64 // by the last load of an RDB
	loadedExpired int64 // left out by it
	saves         int64 // successful ones
	aofBaseBytes  int64 // length of the AOF when it was started

	cronPaused   bool // DEBUG PAUSE-CRON
	skipChecksum bool // DEBUG SET-SKIP-CHECKSUM-VALIDATION

	reads, writes atomic.Int64 // system calls on client sockets
	netOut        atomic.Int64 // bytes sent to them
}

func (a *adminState) resetCounters() {
	a.saves = 0
	a.reads.Store(0)
	a.writes.Store(0)
	a.netOut.Store(0)
}

// infoText collects the lines of INFO.
type infoText struct{ b []byte }

// line appends one field.
func (t *infoText) line(name string, value any) { t.b = fmt.Appendf(t.b, "%s:%v\r\n", name, value) }

// zeros appends fields that say that nothing of the kind has happened: what they count cannot happen in this server yet.
func (t *infoText) zeros(names ...string) {
	for _, name := range names {
		t.line(name, 0)
	}
}

// rawLine appends a line of which only the end is missing.
func (t *infoText) rawLine(format string, args ...any) {
	t.b = fmt.Appendf(t.b, format, args...)
	t.b = append(t.b, '\r', '\n')
}

// infoSection is one section of INFO.
type infoSection struct {
	title     string
	byDefault bool // part of INFO without arguments
	write     func(t *infoText)
}

// infoSections lists the sections in their order.
func (s *Server) infoSections() []infoSection {
	return []infoSection{
		{"Server", true, s.infoServer},
		{"Clients", true, s.infoClients},
		{"Memory", true, s.infoMemory},
		{"Persistence", true, s.infoPersistence},
		{"Stats", true, s.infoStats},
		{"Replication", true, s.infoReplication},
		{"CPU", true, infoCPU},
		{"Modules", true, s.infoModules},
		{"Commandstats", false, s.infoCommandStats},
		{"Errorstats", true, s.infoErrorStats},
		{"Latencystats", false, s.infoLatencyStats},
		{"Cluster", true, func(t *infoText) { t.line("cluster_enabled", 0) }},
		{"Keyspace", true, s.infoKeyspace},
	}
}

// info answers INFO [section …]; default, all and everything are sections as well. Unknown ones are no error.
func (s *Server) info(c *command.Ctx) error {
	c.W.Verbatim("txt", s.infoFor(c.Args[1:]))
	return nil
}

func (s *Server) infoFor(names [][]byte) []byte {
	t := &infoText{}
	for _, section := range s.infoSections() {
		if !section.wanted(names) {
			continue
		}
		if len(t.b) > 0 {
			t.b = append(t.b, '\r', '\n')
		}
		t.rawLine("# %s", section.title)
		section.write(t)
	}
	return t.b
}

func (i *infoSection) wanted(names [][]byte) bool {
	if len(names) == 0 {
		return i.byDefault
	}
	for _, name := range names {
		switch {
		case command.IsKeyword(name, strings.ToUpper(i.title)), command.IsKeyword(name, "ALL"),
			command.IsKeyword(name, "EVERYTHING"), i.byDefault && command.IsKeyword(name, "DEFAULT"):
			return true
		}
	}
	return false
}

func (s *Server) infoCommandStats(t *infoText) {
	s.eachCommand(func(cmd *command.Command) {
		st := cmd.Stats
		if st.Calls == 0 && st.Rejected == 0 && st.Failed == 0 {
			return
		}
		usec, each := st.Nanos/1000, 0.0
		if st.Calls > 0 {
			each = float64(st.Nanos) / 1000 / float64(st.Calls)
		}
		t.rawLine("cmdstat_%s:calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d", cmd.FullName(), st.Calls,
			usec, each, st.Rejected, st.Failed)
	})
}

func (s *Server) infoErrorStats(t *infoText) {
	codes := make([]string, 0, len(s.errorCounts))
	for code := range s.errorCounts {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	for _, code := range codes {
		t.rawLine("errorstat_%s:count=%d", infoWord(code), s.errorCounts[code])
	}
}

// infoWord replaces what would break a line of INFO.
func infoWord(word string) string {
	return strings.Map(func(r rune) rune {
		if r < '!' || strings.ContainsRune(`#:"'\`, r) || r > '~' {
			return '_'
		}
		return r
	}, word)
}

const (
	ttlSampleSteps = 32 // steps of SCAN that estimate the mean time to live of a database
	ttlSampleKeys  = 64 // keys with a time to live that suffice
)

func (s *Server) infoKeyspace(t *infoText) {
	for i := range s.store.Databases() {
		db := s.store.DB(i)
		if db.Len() > 0 {
			t.rawLine("db%d:keys=%d,expires=%d,avg_ttl=%d", i, db.Len(), db.Expires(), s.meanTTL(i))
		}
	}
}

// meanTTL estimates the mean time to live in ms of the keys that have one, from keys at a random place.
func (s *Server) meanTTL(i int) int64 {
	db := s.store.DB(i)
	if db.Expires() == 0 {
		return 0
	}
	var sum, n int64
	cursor := s.ctx.Rand.Uint64()
	for range ttlSampleSteps {
		cursor = db.Scan(cursor, func(e keyspace.Entry) {
			if at := e.ExpireAt(); at >= 0 {
				sum, n = sum+max(at-s.ctx.NowMs, 0), n+1
			}
		})
		if n >= ttlSampleKeys {
			break
		}
	}
	if n == 0 {
		return 0
	}
	return sum / n
}
