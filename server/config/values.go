package config

// Values are the directives the server reads, typed. Units are named last:
// Bytes, Sec, Ms. Read and written under the execution lock.
type Values struct {
	// Network.
	Port                  int
	Bind                  []string // as given, "-" marks an address that may be missing
	UnixSocket            string
	UnixSocketPerm        int // permission bits, 0 leaves them to the umask
	ProtectedMode         bool
	TimeoutSec            int // 0 keeps idle clients
	TCPKeepaliveSec       int // 0 disables
	TCPBacklog            int
	MaxClients            int64
	ProtoMaxBulkBytes     int64
	QueryBufferLimitBytes int64
	OutputBufferLimits    OutputBufferLimits
	EventLoop             EventLoop

	// Process.
	Daemonize          bool
	PidFile            string
	Supervised         Supervised
	Dir                string // absolute
	LogFile            string // empty is standard output
	LogLevel           LogLevel
	LogFormat          LogFormat
	AlwaysShowLogo     bool
	SetProcTitle       bool
	ProcTitleTemplate  string
	ShutdownTimeoutSec int
	ShutdownOnSIGTERM  ShutdownFlags
	ShutdownOnSIGINT   ShutdownFlags
	Hz                 int  // 1 to 500
	Compaction         bool // sparse memory is tidied up in the background
	Prefetch           bool // the keys of a batch are touched before it is executed

	// Access.
	RequirePass            string
	EnableModuleCommand    Access
	EnableDebugCommand     Access
	EnableProtectedConfigs Access
	Users                  [][]string // words after "user"
	RenameCommands         [][]string // old name, new name (empty disables)

	// Observation.
	SlowlogLogSlowerThanUs    int64 // negative disables
	SlowlogMaxLen             int64
	NotifyKeyspaceEvents      string // classes in canonical order, A for all
	LatencyMonitorThresholdMs int64  // 0 disables
	LatencyTracking           bool
	LatencyPercentiles        []string // as INFO shows them

	// Modules.
	LoadModules   [][]string // path and arguments
	ModuleConfigs [][]string // "module.option" and its values, unchecked

	// Keyspace.
	Databases                 int
	MaxMemoryBytes            int64 // 0 is no limit
	MaxMemoryPolicy           MaxMemoryPolicy
	MaxMemorySamples          int
	LFULogFactor              int
	LFUDecayTimeMin           int
	ActiveExpireEffort        int // 1 to 10
	HashMaxListpackEntries    int64
	HashMaxListpackValueBytes int64
	ZsetMaxListpackEntries    int64
	ZsetMaxListpackValueBytes int64
	ListMaxListpackSize       int // negative: size class -1 to -5, positive: entries
	SetMaxIntsetEntries       int64

	// Snapshots.
	DBFilename              string
	Save                    []SavePoint
	RDBCompression          bool
	RDBChecksum             bool
	StopWritesOnBgsaveError bool

	// Append only file.
	AppendOnly               bool
	AppendFilename           string
	AppendDirname            string
	AppendFsync              AppendFsync
	AOFLoadTruncated         bool
	AOFLoadCorruptTailBytes  int64 // damaged end of the last file that may be cut off
	AOFUseRDBPreamble        bool
	AutoAOFRewritePercentage int // growth since the last rewrite, 0 disables
	AutoAOFRewriteMinBytes   int64

	// Replication.
	ReplicaOf             ReplicaOf
	MasterUser            string
	MasterAuth            string
	ReplicaReadOnly       bool
	ReplicaServeStaleData bool
	ReplicaPriority       int
	ReplicaAnnounceIP     string
	ReplicaAnnouncePort   int
	ReplPingPeriodSec     int
	ReplTimeoutSec        int
	MinReplicasToWrite    int
	ReplBacklogBytes      int64
	ReplBacklogTTLSec     int64 // 0 keeps it
	MinReplicasMaxLagSec  int
}

// ReplicaOf names the primary; an empty Host is a primary itself.
type ReplicaOf struct {
	Host string
	Port int
}

// A SavePoint asks for a snapshot after Sec seconds with Changes changes.
type SavePoint struct {
	Sec     int64
	Changes int
}

// An OutputBufferLimit closes a client whose replies wait in memory: at once
// above HardBytes, after SoftSec seconds above SoftBytes. 0 is no limit.
type OutputBufferLimit struct {
	HardBytes int64
	SoftBytes int64
	SoftSec   int64
}

// OutputBufferLimits are the limits by class of client.
//
// Unlike Redis, Normal has a finite default, one gigabyte: a client that asks
// and does not read must not take the memory of all others.
type OutputBufferLimits struct {
	Normal  OutputBufferLimit
	Replica OutputBufferLimit
	PubSub  OutputBufferLimit
}

// AppendFsync says when the append only file is synced.
type AppendFsync int

// Values of AppendFsync in the order of the names in the table.
const (
	FsyncEverySec AppendFsync = iota
	FsyncAlways
	FsyncNo
)

// EventLoop says what moves the bytes of connections.
type EventLoop int

// Values of EventLoop in the order of the names in the table.
const (
	EventLoopEpoll      EventLoop = iota // one loop over epoll; goroutines where the system has none
	EventLoopGoroutines                  // goroutines per connection
)

// LogLevel is the least important level that is logged.
type LogLevel int

// Values of LogLevel in the order of the names in the table.
const (
	LogDebug LogLevel = iota
	LogVerbose
	LogNotice
	LogWarning
)

// LogFormat is the shape of a line of the log.
type LogFormat int

// Values of LogFormat in the order of the names in the table.
const (
	LogConsole LogFormat = iota
	LogJSON
)

// Supervised is the supervisor told about readiness.
type Supervised int

// Values of Supervised in the order of the names in the table.
const (
	SupervisedUpstart Supervised = iota
	SupervisedSystemd
	SupervisedAuto
	SupervisedNo
)

// Access says who may use a dangerous command.
type Access int

// Values of Access in the order of the names in the table.
const (
	AccessNo    Access = iota // nobody
	AccessYes                 // everybody
	AccessLocal               // clients of the Unix socket or of a loopback address
)

// Allows reports whether a client of the given origin has access.
func (a Access) Allows(o Origin) bool {
	return a == AccessYes || a == AccessLocal && o == Local
}

// Origin is where a client comes from.
type Origin int

// Values of Origin.
const (
	Remote Origin = iota
	Local         // Unix socket or loopback address
)

// MaxMemoryPolicy says which keys give way to new ones.
type MaxMemoryPolicy int

// Values of MaxMemoryPolicy in the order of the names in the table.
const (
	VolatileLRU MaxMemoryPolicy = iota
	VolatileLFU
	VolatileRandom
	VolatileTTL
	AllKeysLRU
	AllKeysLFU
	AllKeysRandom
	NoEviction
)

// ShutdownFlags say how a signal ends the server; 0 is the default behaviour,
// which saves when save points are configured.
type ShutdownFlags int

// Bits of ShutdownFlags.
const (
	ShutdownSave ShutdownFlags = 1 << iota
	ShutdownNoSave
	ShutdownNow
	ShutdownForce
)
