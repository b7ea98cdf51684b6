package server

import (
	"errors"
	"time"

	"datastore/server/config"
)

// shutdown is an orderly end in progress: no new commands are accepted, replicas get time to catch up, then files are
// settled and the loop stops.
type shutdown struct {
	flags    config.ShutdownFlags
	deadline time.Time
	failed   func(error) // told when the end was called off because saving failed
}

var errShutdownFailed = errors.New("Errors trying to SHUTDOWN. Check logs.")

// Shutdown asks for an orderly end, as SIGTERM does; flags 0 saves when save points are configured. It returns at once;
// Done tells when it is over.
func (s *Server) Shutdown(flags config.ShutdownFlags) {
	s.mu.Lock()
	s.beginShutdown(&shutdown{flags: flags})
	s.mu.Unlock()
	s.wake()
}

// Stop ends the server at once, without saving; acknowledged writes are in the AOF already.
func (s *Server) Stop() {
	s.stopped.Store(true)
	s.wake()
}

func (s *Server) beginShutdown(sd *shutdown) {
	if s.shutdown != nil {
		return
	}
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
	sd := s.shutdown
	if sd == nil || (s.replicasLag() && now.Before(sd.deadline)) {
		return
	}
	if err := s.settle(sd.flags); err != nil && sd.flags&config.ShutdownForce == 0 {
		s.logf(Warning, "Error trying to save the DB, can't exit: %v", err)
		s.shutdown = nil
		if sd.failed != nil {
			sd.failed(errShutdownFailed)
		}
		return
	}
	s.logf(Warning, "Redis is now ready to exit, bye bye...")
	s.stopped.Store(true)
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
	if s.log != nil && s.log.Running() {
		s.logf(Notice, "Calling fsync() on the AOF file.")
		if err := s.log.Flush(); err != nil {
			s.logf(Warning, "Writing the append only file: %v", err)
			if !save {
				return err
			}
		}
	}
	if !save {
		return nil
	}
	s.logf(Notice, "Saving the final RDB snapshot before exiting.")
	return s.saveDump()
}
