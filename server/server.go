// Package server owns the running daemon: listeners and connections, the execution lock and everything that happens under
// it, transactions, propagation to AOF and replicas, the cron and the administrative commands. It refuses to know how values
// are stored (keyspace), how files are laid out (aof, keyspace/rdb) and how plugins are opened (plugin/host).
package server

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"datastore/aof"
	"datastore/keyspace"
	"datastore/keyspace/rdb"
	"datastore/server/command"
	"datastore/server/config"
	"datastore/server/ticks"
	"datastore/server/vfs"
)

// Version is the version of Redis whose behaviour this server reproduces, as INFO and HELLO tell it.
const Version = "7.0.15"

const (
	maxArgs        = 1<<31 - 1
	maxInlineBytes = 64 << 10
	maxErrorCodes  = 128 // distinct codes counted by INFO errorstats
	unauthBytes    = 1 << 20

	unauthOutputBytes = 16 << 10 // replies that wait for a client that has not logged in
	unauthLimitMs     = 10_000   // time that a client has to log in
)

// Level is the level of a log line, with the characters of Redis's log.
type Level byte

// Log levels.
const (
	Debug   Level = '.'
	Verbose Level = '-'
	Notice  Level = '*'
	Warning Level = '#'
)

// Options configure New. Config is needed; the rest has defaults.
type Options struct {
	Config  *config.Config
	Log     func(level Level, line string) // nil drops the lines
	Clock   func() time.Time               // nil is time.Now
	FS      vfs.FS                         // nil is the operating system's
	Build   string                         // version of the daemon, for INFO
	OnReady func()                         // called once clients can connect

	// Elapsed is the clock that timeouts of clients count with; it never goes back. nil is the time since New.
	Elapsed func() time.Duration
	// Modules are linked into the program. They are loaded before those of the loadmodule directive.
	Modules []LinkedModule
}

// Server is one daemon.
//
// mu is the execution lock: it guards the keyspace and every field below it. Drivers hold it for a batch, others through
// locked. What is above it is immutable after New or atomic.
type Server struct {
	o         Options
	cfg       *config.Config
	clock     func() time.Time
	started   time.Time
	runID     string
	table     command.Current
	maxBulk   atomic.Int64
	stopped   atomic.Bool
	isReplica atomic.Bool  // for the log only
	ending    atomic.Bool  // an orderly end was asked for and not called off
	endAsked  atomic.Int64 // flags for the cron to begin it with, plus endRequest; 0 for none
	done      chan struct{}

	keepaliveSec atomic.Int64
	current      atomic.Pointer[driver] // once Run has opened its listeners
	queryLimit   atomic.Int64

	mu       sync.Mutex
	values   *config.Values
	store    *keyspace.Store
	natives  *keyspace.Natives // the types that modules have brought along
	ctx      command.Ctx
	turn     time.Time // wall clock of the turn
	calm     bool      // restricted has nothing to say
	cmdStart int       // where the running command's reply begins in ctx.W.Buf
	running  int       // depth of calls
	timing   timing

	conns    map[uint64]*conn
	circle   circle // of conns
	nextID   uint64
	waiting  []*conn      // blocked clients in the order in which they blocked
	waitDue  atomic.Int64 // the earliest deadline among them, monotonic; drivers read it without the lock
	watchers map[watchedKey][]*conn

	log         *aof.Log
	aofErr      error   // last write to the AOF failed: MISCONF
	pushed      []*conn // got output outside their batches since the AOF was written last
	appended    bool    // effects went to the AOF since it was written last
	unitWrote   bool    // the unit that ended last went to the AOF
	loading     bool
	lastSaveErr error
	heap        heapMeter
	lastSaveSec int64
	savedAt     int64 // keyspace changes at the last save, less what modules have replicated beside them

	link     link
	replicas []*replica
	repl     replicationState

	modules     modules
	stats       stats
	errorCounts map[string]int64
	nextCron    time.Time
	crons       int64
	background  background
	admin       adminState
	trim        heapTrim
	pace        heapPace
	profile     profile
	populator   populator
	// activeExpire is off after DEBUG SET-ACTIVE-EXPIRE 0.
	activeExpire bool
	exitErr      error
	shutdown     *shutdown
}

// stats are the counters of INFO stats.
type stats struct {
	commands, connections, rejected, errorReplies, protocolErrors, panics int64
	outputLimitDisconnects, queryLimitDisconnects                         int64
	netIn, peakMemory                                                     int64
	opsSample, inSample, outSample                                        sampler

	turns, turnNanos, commandNanos int64 // of the driver, and what of it were commands
	longestTurn, longestShare      int64 // in nanoseconds; a share is what one connection has of a turn
	longestTurnCPU                 int64 // the most processor time that a turn used, while events are measured
	turnSample, turnNanosSample    sampler

	expireCapped int64 // cycles of active expiry that used up their time
	expireTime   time.Duration
	stalePercent float64 // dead keys among those that active expiry looks at
}

// New prepares a server: the command table, the empty keyspace, and the configuration's appliers. Run starts it.
func New(o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = func(Level, string) {}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.FS == nil {
		o.FS = vfs.OS{}
	}
	s := &Server{
		o: o, cfg: o.Config, values: o.Config.Values(), clock: o.Clock, started: time.Now(), done: make(chan struct{}),
		conns: map[uint64]*conn{}, errorCounts: map[string]int64{}, runID: newRunID(), activeExpire: true,
	}
	s.natives = keyspace.NewNatives(rdb.DigestModule)
	s.store = s.newStore()
	s.store.OnExpired(s.keyExpired)
	s.ctx.Store, s.ctx.Rand = s.store, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	s.ctx.Effects.Forget()
	s.timing.clock = ticks.New()
	s.waitDue.Store(noDeadline)
	s.background.due.Store(noWork)
	s.repl.init()
	s.lastSaveSec = s.clock().Unix()
	table, err := s.newTable(nil)
	if err != nil {
		return nil, fmt.Errorf("building the command table: %w", err)
	}
	s.table.Store(table)
	s.applyConfig()
	s.relax()
	return s, nil
}

// newStore returns empty databases.
func (s *Server) newStore() *keyspace.Store {
	o := keyspace.Options{Databases: s.values.Databases, Limits: s.limits(), Natives: s.natives}
	if keyspace.CanPopulate() {
		o.OnGrowth = s.populator.ask
	}
	return keyspace.New(o)
}

// limits are the keyspace's limits as configured.
func (s *Server) limits() keyspace.Limits {
	v := s.values
	return keyspace.Limits{
		HashEntries: int(v.HashMaxListpackEntries), HashValueBytes: int(v.HashMaxListpackValueBytes),
		ZSetEntries: int(v.ZsetMaxListpackEntries), ZSetValueBytes: int(v.ZsetMaxListpackValueBytes),
		IntsetEntries: int(v.SetMaxIntsetEntries), ListNode: v.ListMaxListpackSize,
		StringBytes: s.maxStringBytes(),
	}
}

// Run opens the listeners, loads the dataset and serves until Shutdown, SHUTDOWN or a fatal error. It returns nil after an
// orderly end.
func (s *Server) Run(ctx context.Context) error {
	defer close(s.done)
	d, err := s.prepare()
	if err != nil {
		return errors.Join(err, s.closeFiles())
	}
	s.mu.Lock() // for load: a small dataset is there before the first command is served
	s.current.Store(&d)
	runtime.GC() // what preparing left behind is not in use
	s.admin.startupBytes = s.usedMemory()
	s.logf(Notice, "Server initialized")
	stop := context.AfterFunc(ctx, func() { s.Shutdown(0) })
	defer stop()
	var loader sync.WaitGroup
	loader.Go(s.load)
	d.run()
	loader.Wait()
	return errors.Join(s.exitErr, s.closeFiles())
}

// Done is closed when Run has returned.
func (s *Server) Done() <-chan struct{} { return s.done }

// Barrier waits until what holds the execution lock has given it up, and so sees all that commands have done before.
func (s *Server) Barrier() {
	s.mu.Lock()
	defer s.mu.Unlock()
}

// monoMs is a clock that never jumps, for timeouts and idle times.
func (s *Server) monoMs() int64 { return s.monoMsAt(time.Now()) }

// monoMsAt is monoMs for a moment that was taken just now.
func (s *Server) monoMsAt(now time.Time) int64 {
	if s.o.Elapsed != nil {
		return s.o.Elapsed().Milliseconds()
	}
	return now.Sub(s.started).Milliseconds()
}

func (s *Server) logf(level Level, format string, args ...any) {
	s.o.Log(level, fmt.Sprintf(format, args...))
}

// fatal ends the process's service at once: what is not durable must not be acknowledged.
func (s *Server) fatal(err error) {
	s.exitErr = errors.Join(s.exitErr, err)
	s.stopped.Store(true)
	for _, c := range s.conns {
		c.dead.Store(true)
	}
}
