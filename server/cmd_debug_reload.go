package server

import (
	"bufio"
	"errors"
	"fmt"
	"path/filepath"

	"datastore/aof"
	"datastore/keyspace"
	"datastore/keyspace/rdb"
	"datastore/server/command"
)

var (
	errReloadOption = command.Errorf("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")
	errReload       = command.Errorf("ERR Error trying to load the RDB dump, check server logs")
	errReloadSave   = command.Errorf("ERR Error trying to save the DB, check server logs")
	errLoadAOF      = command.Errorf("ERR Error trying to load the AOF files, check server logs")
	errNoAOF        = command.Errorf("ERR the append only file is not in use")
)

// debugReload saves the dataset, forgets it and loads it again: nothing may have changed then.
func (s *Server) debugReload(c *command.Ctx) error {
	save, flush, merge := true, true, false
	for i := 2; i < len(c.Args); i++ {
		switch {
		case c.Is(i, "NOSAVE"):
			save = false
		case c.Is(i, "NOFLUSH"):
			flush = false
		case c.Is(i, "MERGE"):
			merge = true
		default:
			return errReloadOption
		}
	}
	c.Effects.Drop() // the AOF has what the dataset has
	if save {
		if err := s.saveDump(); err != nil {
			s.logf(Warning, "%v", err)
			return errReloadSave
		}
	}
	err := s.whileLoading(func() error {
		if flush {
			s.store.FlushAll()
		}
		if merge {
			return s.mergeDump()
		}
		return s.loadDump()
	})
	if err != nil {
		s.logf(Warning, "DEBUG RELOAD: %v", err)
		return errReload
	}
	s.savedAt = s.store.Changes()
	s.logf(Warning, "DB reloaded by DEBUG RELOAD")
	c.W.OK()
	return nil
}

// whileLoading runs f as a load needs it: nothing expires, and what it does is no effect.
func (s *Server) whileLoading(f func() error) error {
	if s.loading {
		return errHalfLoaded
	}
	enter := func(loading bool) {
		s.loading = loading
		s.store.BeginUnit(s.ctx.NowMs, s.expiryMode())
		s.listenEffects()
	}
	enter(true)
	defer enter(false)
	return f()
}

// mergeDump adds the dump file to the keyspace; its keys replace those that are there.
func (s *Server) mergeDump() error {
	name := filepath.Join(s.values.Dir, s.values.DBFilename)
	f, err := s.o.FS.Open(name)
	if err != nil {
		return fmt.Errorf("opening the dump file: %w", err)
	}
	from := keyspace.New(keyspace.Options{Databases: s.store.Databases(), Limits: s.limits()})
	defer from.Close()
	from.BeginUnit(s.ctx.NowMs, keyspace.ExpireIgnore)
	_, err = rdb.Load(bufio.NewReaderSize(f, 1<<20), from, rdb.LoadOptions{NowMs: s.ctx.NowMs})
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("loading %s: %w", name, err)
	}
	var payload []byte
	for i := range from.Databases() {
		for e := range from.DB(i).Records() {
			to := s.store.DB(i)
			to.Delete(e.Key())
			if payload, err = rdb.Dump(payload[:0], e); err != nil {
				return fmt.Errorf("merging key %q: %w", e.Key(), err)
			}
			m := keyspace.Meta{ExpireMs: e.ExpireAt()}
			if err := rdb.Restore(to, e.Key(), payload, m); err != nil {
				return fmt.Errorf("merging key %q: %w", e.Key(), err)
			}
		}
	}
	return nil
}

// debugLoadAOF writes what the AOF's buffer holds, forgets the dataset and loads it from the AOF, which then goes on.
func (s *Server) debugLoadAOF(c *command.Ctx) error {
	if s.log == nil || !s.log.Running() {
		return errNoAOF
	}
	err := s.reopenAOF()
	c.Effects.Drop() // the loaded commands have declared theirs
	if err != nil {
		s.logf(Warning, "DEBUG LOADAOF: %v", err)
		return errLoadAOF
	}
	s.logf(Warning, "Append Only File loaded by DEBUG LOADAOF")
	c.W.OK()
	return nil
}

func (s *Server) reopenAOF() error {
	if err := s.log.Close(); err != nil {
		return fmt.Errorf("closing the append only file: %w", err)
	}
	for _, c := range s.conns { // what they wait for is durable, and the new log counts from its own beginning
		if c.hold != 0 {
			c.hold = 0
			c.mark()
		}
	}
	if err := s.openLog(); err != nil {
		return err
	}
	ctx := s.ctx // the loaded commands run in the same context
	defer func() { s.ctx.Args, s.ctx.Cmd, s.ctx.Client, s.ctx.DB = ctx.Args, ctx.Cmd, ctx.Client, ctx.DB }()
	err := s.whileLoading(func() error {
		s.store.FlushAll()
		_, err := s.log.Load(aof.Applier{RDB: s.loadRDB, Command: s.applyCommand})
		return err
	})
	if err != nil {
		return err
	}
	return s.startLog(nil)
}
