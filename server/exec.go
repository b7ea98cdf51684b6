package server

import (
	"errors"
	"fmt"
	"runtime/debug"

	"datastore/keyspace"
	"datastore/plugin/host"
	"datastore/server/command"
)

// The chokepoint. Every mutation, whoever asks for it, runs through run: it takes the effects, counts, and turns errors
// into replies. A unit is what runs atomically: one command, one EXEC with its queue, one deletion by the cron. endUnit
// hands the unit's effects to AOF and replicas.
//
// All of it runs under Server.mu. A driver holds the lock for a batch; others (the replication link, a module's goroutine,
// the cron) take it through locked.

// locked runs f under the execution lock as a feeder of its own: with fresh time, and with the effects written to the AOF
// before it returns. The lock is given back however f ends.
func (s *Server) locked(f func()) {
	s.mu.Lock()
	s.underLock(f)
}

// underLock is what locked does with the lock.
func (s *Server) underLock(f func()) {
	defer func() {
		s.endUnit()
		s.serveBlocked(nil)
		s.flushAOF(nil)
		s.mu.Unlock()
	}()
	s.beginTurn()
	f()
}

// beginTurn sets the clock for what follows. Time stands still within a turn, which is at least as long as a unit.
func (s *Server) beginTurn() {
	now := s.clock()
	s.turn = now
	s.ctx.NowMs = now.UnixMilli()
	s.store.BeginUnit(s.ctx.NowMs, s.expiryMode())
}

// expiryMode is what a lookup does with an expired key in the server's present role.
func (s *Server) expiryMode() keyspace.ExpiryMode {
	switch {
	case s.loading:
		return keyspace.ExpireIgnore
	case s.link != nil:
		return keyspace.ExpireHide
	}
	return keyspace.ExpireDelete
}

// serve runs one command of a client as a unit.
func (s *Server) serve(c *conn, args [][]byte, cmd *command.Command) {
	s.stats.commands++
	c.commands++
	c.lastCmd = cmd
	ctx := &s.ctx
	ctx.Client, ctx.W.Proto = &c.Client, c.Proto
	s.cmdStart = len(ctx.W.Buf)
	if c.replySkip > 0 {
		c.replySkip = (c.replySkip + 1) % (skipThis + 1)
	}
	quiet := c.quiet()
	var ran *command.Command
	if err := s.admit(c, cmd, args); err != nil {
		s.reject(c, cmd, err)
	} else if c.InMulti && !cmd.Is(command.SkipQueue) {
		c.queue(args, cmd)
		ctx.W.Status("QUEUED")
	} else {
		s.run(&c.Client, cmd, args)
		s.running = 0 // a module goes on after a panic in a command that it has called
		s.endUnit()
		ran = cmd
	}
	s.endLap(&c.Client, ran, args)
	if quiet && c.quiet() { // the command that ends or begins the silence decides about its own reply
		s.cutReply(s.cmdStart)
	}
	if s.modules.due.Load() {
		s.serveBlocked(c)
		s.beginLaps()
	}
}

// reject answers a command that may not run, and spoils the transaction that it was meant for; a refused EXEC ends it.
func (s *Server) reject(c *conn, cmd *command.Command, err *command.Error) {
	c.txn.failed = c.txn.failed || c.InMulti
	if cmd != nil {
		cmd.Stats.Rejected++
		if cmd.Name == "exec" {
			s.endTransaction(c)
			err = discarded(err)
		}
	}
	s.countError(err.Text)
	s.ctx.W.Error(err.Text)
}

// call runs and measures a command that is not one of a batch: in EXEC's queue, of a module, of the replication stream.
func (s *Server) call(cl *command.Client, cmd *command.Command, args [][]byte) {
	began := s.timing.clock.Now()
	s.run(cl, cmd, args)
	s.note(cl, cmd, args, s.timing.clock.Now()-began)
}

// run runs a handler and takes its effects, whoever asks for it.
func (s *Server) run(cl *command.Client, cmd *command.Command, args [][]byte) {
	ctx := &s.ctx
	ctx.Client, ctx.Cmd, ctx.Args = cl, cmd, args
	ctx.DB = s.store.DB(cl.DB)
	s.running++
	start, before := len(ctx.W.Buf), s.store.Changes()
	mayPin := ctx.MayPin
	ctx.MayPin = mayPin && cmd.ModuleName == "" // a module reads the replies of what it calls
	s.store.CountReads(cmd.Is(command.ReadOnly))
	s.store.NoTouch(cl.NoTouch && cmd.Name != "touch")
	ctx.Effects.Begin()
	if err := cmd.Handler(ctx); err != nil {
		s.cutReply(start)
		s.replyError(cmd, err)
	}
	s.running--
	ctx.MayPin = mayPin
	if s.store.Changes() != before && !ctx.Effects.Settled() {
		ctx.Effects.Add(ctx.DB.Index(), args...)
	}
}

// replyError writes the reply for an error that a handler returned.
func (s *Server) replyError(cmd *command.Command, err error) {
	var e *command.Error
	switch {
	case errors.As(err, &e):
	case errors.Is(err, keyspace.ErrWrongType):
		e = command.ErrWrongType
	case errors.Is(err, keyspace.ErrTooLong):
		e = command.ErrTooLong
	default:
		e = command.Errorf("ERR " + err.Error())
	}
	cmd.Stats.Failed++
	s.countError(e.Text)
	s.ctx.W.Error(e.Text)
}

// recoverCommand answers a panic of a handler: the reply so far is taken back, what it changed is propagated, the server
// goes on.
func (s *Server) recoverCommand(cause any) {
	ctx := &s.ctx
	name := "unknown"
	if ctx.Cmd != nil {
		name = ctx.Cmd.FullName()
		ctx.Cmd.Stats.Failed++
		s.endLap(ctx.Client, ctx.Cmd, ctx.Args)
	}
	s.stats.panics++
	s.running = 0
	s.timing.suspended = nil
	s.logf(Warning, "Panic in command '%s': %v\n%s", name, cause, debug.Stack())
	s.cutReply(s.cmdStart)
	text := "ERR internal error in command '" + name + "': " + command.Clip([]byte(fmt.Sprint(cause)), 128)
	if cause == nil && ctx.Cmd != nil && ctx.Cmd.ModuleName != "" {
		text = host.PanicText(ctx.Cmd.ModuleName, nil) // runtime.Goexit; other panics of modules do not get here
	}
	if ctx.Client != nil {
		ctx.Client.InExec, ctx.Client.DenyBlock = false, false // EXEC may have been cut short
	}
	s.countError(text)
	ctx.W.Error(text)
	if !ctx.Effects.Settled() && ctx.Cmd != nil && ctx.Cmd.Is(command.Write) {
		ctx.Effects.Add(ctx.DB.Index(), ctx.Args...)
	}
	s.endUnit()
}

// countError counts an error reply by its code, for INFO errorstats. One that a module gets to see is counted when it passes
// it on.
func (s *Server) countError(text string) {
	if s.modules.called > 0 {
		return
	}
	s.stats.errorReplies++
	code := text
	for i := range len(text) {
		if text[i] == ' ' {
			code = text[:i]
			break
		}
	}
	if len(s.errorCounts) < maxErrorCodes || s.errorCounts[code] > 0 {
		s.errorCounts[code]++
	}
}

// protocolError answers bytes that are no command and closes the connection.
func (s *Server) protocolError(c *conn, err error) {
	s.stats.protocolErrors++
	s.logf(Verbose, "Protocol error (%v) from client: %s", err, c.describe())
	s.ctx.W.Error("ERR " + err.Error())
	c.closing.Store(true)
	c.mark()
}
