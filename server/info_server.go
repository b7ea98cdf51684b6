package server

import (
	"fmt"
	"hash/crc64"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"datastore/server/config"
)

// build is what Go knows about how this program was built.
type build struct {
	revision string // eight hex digits, zeros when unknown
	dirty    int
	id       string
}

func readBuild(version string) build {
	b := build{revision: "00000000"}
	sum := version + " " + runtime.Version()
	if info, ok := debug.ReadBuildInfo(); ok {
		sum += info.String()
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision" && len(s.Value) >= 8:
				b.revision = s.Value[:8]
			case s.Key == "vcs.modified" && s.Value == "true":
				b.dirty = 1
			}
		}
	}
	b.id = fmt.Sprintf("%x", crc64.Checksum([]byte(sum), crc64.MakeTable(crc64.ECMA)))
	return b
}

func (s *Server) infoServer(t *infoText) {
	b := readBuild(s.o.Build)
	now, uptime := s.turn, int64(time.Since(s.started)/time.Second)
	executable, err := os.Executable()
	if err != nil {
		executable = os.Args[0]
	}
	t.line("redis_version", Version)
	t.line("redis_git_sha1", b.revision)
	t.line("redis_git_dirty", b.dirty)
	t.line("redis_build_id", b.id)
	t.line("redis_mode", "standalone")
	t.line("os", systemName())
	t.line("arch_bits", 32<<(^uint(0)>>63))
	t.line("monotonic_clock", "POSIX clock_gettime")
	t.line("multiplexing_api", multiplexing)
	t.line("atomicvar_api", "sync/atomic")
	t.line("gcc_version", "0.0.0") // as Redis says when another compiler built it
	t.line("process_id", s.pid())
	t.line("process_supervised", supervisedName(s.values.Supervised))
	t.line("run_id", s.runID)
	t.line("tcp_port", s.values.Port)
	t.line("server_time_usec", now.UnixMicro())
	t.line("uptime_in_seconds", uptime)
	t.line("uptime_in_days", uptime/(24*3600))
	t.line("hz", s.values.Hz)
	t.line("configured_hz", s.values.Hz)
	t.line("lru_clock", s.lruClock())
	t.line("executable", executable)
	t.line("config_file", s.cfg.File())
	t.line("io_threads_active", 0)
	t.line("datastore_version", s.o.Build)
}

// lruClock is the clock by which keys age: seconds, 24 bits.
func (s *Server) lruClock() int64 { return s.ctx.NowMs / 1000 & (1<<24 - 1) }

// supervisedName is the supervisor in force: auto means systemd when the process was told where to notify it.
func supervisedName(v config.Supervised) string {
	switch {
	case v == config.SupervisedUpstart:
		return "upstart"
	case v == config.SupervisedSystemd, v == config.SupervisedAuto && os.Getenv("NOTIFY_SOCKET") != "":
		return "systemd"
	}
	return "no"
}

func (s *Server) infoClients(t *infoText) {
	var in, out int64
	timed, clients := len(s.modules.deadlines), 0
	for _, c := range s.conns {
		if c.replica == nil {
			clients++
		}
		in, out = max(in, c.unread.Load()), max(out, c.unsent.Load()+int64(len(c.obuf)))
	}
	for _, c := range s.waiting {
		if c.blocked.Load().deadlineMs != noDeadline {
			timed++
		}
	}
	t.line("connected_clients", clients)
	t.zeros("cluster_connections")
	t.line("maxclients", s.values.MaxClients)
	t.line("client_recent_max_input_buffer", in)
	t.line("client_recent_max_output_buffer", out)
	t.line("blocked_clients", len(s.waiting)+s.modules.suspended)
	t.zeros("tracking_clients")
	t.line("clients_in_timeout_table", timed)
}

func (s *Server) infoPersistence(t *infoText) {
	status := "ok"
	if s.lastSaveErr != nil {
		status = "err"
	}
	t.line("loading", yes(s.loading))
	t.zeros("async_loading", "current_cow_peak", "current_cow_size", "current_cow_size_age")
	t.line("current_fork_perc", "0.00")
	t.zeros("current_save_keys_processed", "current_save_keys_total")
	t.line("rdb_changes_since_last_save", s.store.Changes()-s.savedAt)
	t.line("rdb_bgsave_in_progress", 0)
	t.line("rdb_last_save_time", s.lastSaveSec)
	t.line("rdb_last_bgsave_status", status)
	t.line("rdb_last_bgsave_time_sec", -1)
	t.line("rdb_current_bgsave_time_sec", -1)
	t.line("rdb_saves", s.admin.saves)
	t.zeros("rdb_last_cow_size")
	t.line("rdb_last_load_keys_expired", s.admin.loadedExpired)
	t.line("rdb_last_load_keys_loaded", s.admin.loadedKeys)
	s.infoAOF(t)
}

func (s *Server) infoAOF(t *infoText) {
	running := s.log != nil && s.log.Running()
	write := "ok"
	if s.aofErr != nil {
		write = "err"
	}
	t.line("aof_enabled", yes(running))
	t.zeros("aof_rewrite_in_progress", "aof_rewrite_scheduled")
	t.line("aof_last_rewrite_time_sec", -1)
	t.line("aof_current_rewrite_time_sec", -1)
	t.line("aof_last_bgrewrite_status", "ok")
	t.zeros("aof_rewrites", "aof_rewrites_consecutive_failures")
	t.line("aof_last_write_status", write)
	t.zeros("aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size")
	if !running {
		return
	}
	st := s.log.Status()
	t.line("aof_current_size", st.CurrentSizeBytes)
	t.line("aof_base_size", s.admin.aofBaseBytes)
	t.zeros("aof_pending_rewrite")
	t.line("aof_buffer_length", st.BufferBytes)
	t.line("aof_pending_bio_fsync", yes(st.PendingSyncBytes > 0))
	t.line("aof_delayed_fsync", st.DelayedSyncs)
}

func yes(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (s *Server) infoStats(t *infoText) {
	st, ks, a := &s.stats, s.store.Stats(), &s.admin
	kbps := func(m *sampler) string { return fmt.Sprintf("%.2f", float64(m.mean())/1024) }
	t.line("total_connections_received", st.connections)
	t.line("total_commands_processed", st.commands)
	t.line("instantaneous_ops_per_sec", st.opsSample.mean())
	t.line("total_net_input_bytes", st.netIn)
	t.line("total_net_output_bytes", a.netOut.Load())
	t.line("total_net_repl_input_bytes", s.repl.streamIn.Load())
	t.line("total_net_repl_output_bytes", s.repl.streamOut.Load())
	t.line("instantaneous_input_kbps", kbps(&st.inSample))
	t.line("instantaneous_output_kbps", kbps(&st.outSample))
	t.line("instantaneous_input_repl_kbps", "0.00")
	t.line("instantaneous_output_repl_kbps", "0.00")
	t.line("rejected_connections", st.rejected)
	t.line("sync_full", s.repl.syncFull)
	t.line("sync_partial_ok", s.repl.syncPartialOK)
	t.line("sync_partial_err", s.repl.syncPartialErr)
	t.line("expired_keys", ks.Expired)
	t.line("expired_stale_perc", fmt.Sprintf("%.2f", st.stalePercent))
	t.line("expired_time_cap_reached_count", st.expireCapped)
	t.line("expire_cycle_cpu_milliseconds", st.expireTime.Milliseconds())
	t.zeros("evicted_keys", "evicted_clients", "total_eviction_exceeded_time", "current_eviction_exceeded_time")
	t.line("keyspace_hits", ks.Hits)
	t.line("keyspace_misses", ks.Misses)
	t.zeros("pubsub_channels", "pubsub_patterns", "pubsubshard_channels", "latest_fork_usec", "total_forks",
		"migrate_cached_sockets")
	t.line("slave_expires_tracked_keys", 0)
	t.zeros("active_defrag_hits", "active_defrag_misses", "active_defrag_key_hits", "active_defrag_key_misses",
		"total_active_defrag_time", "current_active_defrag_time", "tracking_total_keys", "tracking_total_items",
		"tracking_total_prefixes", "unexpected_error_replies")
	t.line("total_error_replies", st.errorReplies)
	t.zeros("dump_payload_sanitizations")
	t.line("total_reads_processed", a.reads.Load())
	t.line("total_writes_processed", a.writes.Load())
	t.zeros("io_threaded_reads_processed", "io_threaded_writes_processed", "reply_buffer_shrinks", "reply_buffer_expands")
	// Counted since Redis 7.2 as well, under these names.
	t.line("client_query_buffer_limit_disconnections", st.queryLimitDisconnects)
	t.line("client_output_buffer_limit_disconnections", st.outputLimitDisconnects)
	t.line("acl_access_denied_auth", a.loginFailures)
	t.line("eventloop_cycles", st.turns)
	t.line("eventloop_duration_sum", st.turnNanos/1000)
	t.line("eventloop_duration_cmd_sum", st.commandNanos/1000)
	t.line("instantaneous_eventloop_cycles_per_sec", st.turnSample.mean())
	t.line("instantaneous_eventloop_duration_usec", st.turnNanosSample.mean()/max(st.turnSample.mean(), 1)/1000)
	// Our own.
	t.line("eventloop_longest_turn_usec", st.longestTurn/1000)
	t.line("eventloop_longest_turn_cpu_usec", st.longestTurnCPU/1000)
	t.line("eventloop_longest_share_usec", st.longestShare/1000)
	t.line("protocol_errors", st.protocolErrors)
	t.line("command_panics", st.panics)
}

// policyName is the text of maxmemory-policy.
func (s *Server) policyName() string {
	_, values := s.cfg.Get([]string{"maxmemory-policy"})
	return values[0]
}
