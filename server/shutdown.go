package server

import (
	"time"

	"datastore/server/config"
)

// shutdown is an orderly end in progress: no new commands are accepted, replicas get time to catch up, then files are
// settled and the loop stops.
type shutdown struct {
	flags    config.ShutdownFlags
	deadline time.Time
	waiting  []*conn // told when the end is called off
}

const shutdownFailedReply = "-ERR Errors trying to SHUTDOWN. Check logs.\r\n"

// endRequest distinguishes a request without flags from none.
const endRequest = 1 << 32

// Shutdown asks for an orderly end, as SIGTERM does; flags 0 saves when save points are configured. It returns at once,
// whatever the server is busy with; Done tells when it is over.
func (s *Server) Shutdown(flags config.ShutdownFlags) {
	s.ending.Store(true)
	s.endAsked.Store(endRequest | int64(flags))
	s.wake()
}

// Ending reports whether an orderly end was asked for and not called off since.
func (s *Server) Ending() bool { return s.ending.Load() }

// Stop ends the server at once, without saving; acknowledged writes are in the AOF already.
func (s *Server) Stop() {
	s.stopped.Store(true)
	s.wake()
}

// beginShutdown starts an orderly end. While one is in progress another call can only hurry it, with ShutdownNow.
func (s *Server) beginShutdown(flags config.ShutdownFlags) {
	if sd := s.shutdown; sd != nil {
		if flags&config.ShutdownNow != 0 {
			sd.deadline = time.Now()
		}
		return
	}
	s.ending.Store(true)
	sd := &shutdown{flags: flags}
	wait := time.Duration(s.values.ShutdownTimeoutSec) * time.Second
	if sd.flags&config.ShutdownNow != 0 || !s.replicasLag() {
		wait = 0
	}
	sd.deadline = time.Now().Add(wait)
	s.shutdown = sd
	s.nextCron = time.Time{} // look at it in the next turn
}

// checkShutdown finishes a shutdown once replicas have caught up or their time is over.
func (s *Server) checkShutdown(now time.Time) {
	if asked := s.endAsked.Swap(0); asked != 0 {
		s.beginShutdown(config.ShutdownFlags(asked &^ endRequest))
	}
	sd := s.shutdown
	if sd != nil && s.loading {
		s.logf(Warning, "Received shutdown signal during loading, exiting now.")
		s.stopped.Store(true)
		return
	}
	if sd == nil || (s.replicasLag() && now.Before(sd.deadline)) {
		return
	}
	if err := s.settle(sd.flags); err != nil && sd.flags&config.ShutdownForce == 0 {
		s.logf(Warning, "Error trying to save the DB, can't exit: %v", err)
		s.callOffShutdown()
		return
	}
	s.logf(Warning, "Redis is now ready to exit, bye bye...")
	s.stopped.Store(true)
}

// callOffShutdown goes on as if nobody had asked for an end; who asked with a command is told.
func (s *Server) callOffShutdown() {
	waiting := s.shutdown.waiting
	s.shutdown = nil
	s.ending.Store(false)
	for _, c := range waiting {
		if c.closed {
			continue
		}
		s.unblock(c)
		c.push([]byte(shutdownFailedReply))
	}
}

// settle brings the dataset to disk as the flags and the configuration ask for.
func (s *Server) settle(flags config.ShutdownFlags) error {
	s.logf(Notice, "User requested shutdown...")
	save := len(s.values.Save) > 0
	if flags&config.ShutdownSave != 0 {
		save = true
	}
	if flags&config.ShutdownNoSave != 0 {
		save = false
	}
	if s.logging() {
		s.logf(Notice, "Calling fsync() on the AOF file.")
		if err := s.log.Sync(); err != nil { // closing the file fails again, for the exit code
			s.logf(Warning, "Fail to fsync the AOF file: %v.", err)
		}
	}
	if !save {
		return nil
	}
	s.logf(Notice, "Saving the final RDB snapshot before exiting.")
	return s.saveDump()
}
