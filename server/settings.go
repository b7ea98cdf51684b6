package server

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"syscall"

	"datastore/aof"
	"datastore/keyspace"
	"datastore/server/command"
	"datastore/server/config"
)

// applyConfig registers what happens when a directive changes, and puts the present values into force.
func (s *Server) applyConfig() {
	v := s.values
	s.limitStrings()
	s.queryLimit.Store(v.QueryBufferLimitBytes)
	s.keepaliveSec.Store(int64(v.TCPKeepaliveSec))
	s.limitHeap()
	s.applyLatency()
	s.applySlowlog()
	on := s.cfg.OnChange
	on("slowlog-log-slower-than", func(string, string) error {
		s.applySlowlog()
		return nil
	})
	for _, name := range []string{"latency-monitor-threshold", "latency-tracking"} {
		on(name, func(string, string) error {
			s.applyLatency()
			return nil
		})
	}
	for _, name := range []string{"hash-max-listpack-entries", "hash-max-listpack-value", "zset-max-listpack-entries",
		"zset-max-listpack-value", "set-max-intset-entries", "list-max-listpack-size", "proto-max-bulk-len"} {
		on(name, func(string, string) error {
			s.store.SetLimits(s.limits())
			s.limitStrings()
			return nil
		})
	}
	for _, name := range []string{"maxmemory", "min-replicas-to-write", "min-replicas-max-lag", "replica-read-only"} {
		on(name, func(string, string) error {
			s.relax()
			s.limitHeap()
			return nil
		})
	}
	on("client-query-buffer-limit", func(string, string) error {
		s.queryLimit.Store(v.QueryBufferLimitBytes)
		return nil
	})
	for _, name := range []string{"port", "bind"} {
		on(name, func(string, string) error { return s.rebind(name) })
	}
	on("maxclients", func(string, string) error { return s.checkMaxClients() })
	on("requirepass", func(_, now string) error {
		if now == "" { // whoever is connected is the default user, as who connects now
			for _, c := range s.conns {
				c.Authed = true
			}
		}
		return nil
	})
	on("tcp-keepalive", func(string, string) error {
		s.keepaliveSec.Store(int64(v.TCPKeepaliveSec))
		return nil
	})
	on("appendfsync", func(string, string) error {
		if s.log != nil {
			s.log.SetPolicy(s.fsyncPolicy())
		}
		return nil
	})
	on("appendonly", func(_, now string) error { return s.switchAOF(now == "yes") })
	on("dir", func(_, now string) error { return os.Chdir(now) })
}

// maxStringBytes is proto-max-bulk-len, as far as the keyspace can follow.
func (s *Server) maxStringBytes() int {
	return int(min(s.values.ProtoMaxBulkBytes, keyspace.MaxStringBytes))
}

func (s *Server) limitStrings() {
	s.ctx.MaxBulkBytes = s.maxStringBytes()
	s.maxBulk.Store(int64(s.ctx.MaxBulkBytes))
}

// reservedFiles are the descriptors that the server needs besides those of clients.
const reservedFiles = 32

// checkMaxClients refuses more clients than the process may have open files. Go has raised the soft limit to the hard one.
func (s *Server) checkMaxClients() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("reading the limit of open files: %w", err)
	}
	if most := int64(min(limit.Cur, 1<<32)) - reservedFiles; s.values.MaxClients > most {
		return command.Errorf(fmt.Sprintf("The operating system is not able to handle the specified number of clients, try with %d", most))
	}
	return nil
}

// rebinder is a driver that can change its listeners.
type rebinder interface{ rebind() error }

var (
	errRebindPort = command.Errorf("Unable to listen on this port. Check server logs.")
	errRebindBind = command.Errorf("Failed to bind to specified addresses.")
)

// rebind puts new values of port and bind into force; connections stay as they are.
func (s *Server) rebind(directive string) error {
	d := s.current.Load()
	if d == nil {
		return nil // not listening yet
	}
	r, ok := (*d).(rebinder)
	if !ok {
		return errors.New("the listeners of this driver are fixed at the start")
	}
	err := r.rebind()
	if err == nil {
		return nil
	}
	s.logf(Warning, "Changing %s: %v", directive, err)
	if directive == "port" {
		return errRebindPort
	}
	return errRebindBind
}

// fsyncPolicy translates appendfsync.
func (s *Server) fsyncPolicy() aof.Policy {
	switch s.values.AppendFsync {
	case config.FsyncAlways:
		return aof.Always
	case config.FsyncNo:
		return aof.No
	}
	return aof.EverySec
}

// switchAOF turns the AOF on with the present dataset as its base, or off.
func (s *Server) switchAOF(on bool) error {
	switch {
	case s.log == nil || on == s.log.Running():
		return nil
	case s.loading:
		return errSwitchLoading
	case on:
		s.aofErr = nil
		s.relax()
		if s.startLog(s.newBase()) != nil {
			return errSwitchAOF
		}
		return nil
	}
	if err := s.log.Stop(); err != nil {
		s.logf(Warning, "Closing the append only file: %v", err)
	}
	s.aofErr = nil
	s.pushed = s.pushed[:0]
	for _, c := range s.conns {
		c.pushed = false
	}
	s.relax()
	s.listenEffects()
	return nil
}

// Reasons that CONFIG SET gives.
var (
	errSwitchAOF     = command.Errorf("Unable to turn on AOF. Check server logs.")
	errSwitchLoading = errors.New("the dataset is being loaded")
)

// newRunID returns 40 random hex digits, the form of Redis's run and replication IDs.
func newRunID() string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func (s *Server) pid() int { return os.Getpid() }

// wake makes the driver look for work; before it exists there is none.
func (s *Server) wake() {
	if d := s.current.Load(); d != nil {
		(*d).wake()
	}
}

// begin logs that the server is ready and starts what runs beside it. The lock is held.
func (s *Server) begin() {
	if len(s.values.Save) > 0 && !s.values.AppendOnly {
		s.logf(Warning, "The save points take effect at shutdown only: what is written until then is lost in a crash. "+
			"Use appendonly yes to keep it.")
	}
	if s.values.Port != 0 {
		s.logf(Notice, "Ready to accept connections")
	}
	if s.values.UnixSocket != "" {
		s.logf(Notice, "The server is now ready to accept connections at %s", s.values.UnixSocket)
	}
	if s.o.OnReady != nil {
		s.o.OnReady()
	}
	if r := s.values.ReplicaOf; r.Host != "" {
		s.follow(r.Host, r.Port)
	}
}

// logNotListening says why an address cannot be listened on.
func (s *Server) logNotListening(addr string, err error) {
	why := err.Error()
	if no := syscall.Errno(0); errors.As(err, &no) {
		why = "bind: " + diskError(err).Error()
	}
	s.logf(Warning, "Warning: Could not create server TCP listening socket %s:%d: %s", addr, s.values.Port, why)
}

// RoleLetter returns the letter of the server's role in log lines: M for a primary, S for a replica.
func (s *Server) RoleLetter() byte {
	if s.isReplica.Load() {
		return 'S'
	}
	return 'M'
}
