package host

import (
	"errors"
	"fmt"

	"datastore/keyspace"
	"datastore/keyspace/rdb"
	"datastore/plugin"
)

// stream is the host's side of the plugin.IO of one call of a method. It writes to w, or reads from r, or hands commands to
// emit. Afterwards it refuses everything, so that an IO that was kept cannot get into another value.
type stream struct {
	plugin.IO
	t     *nativeType
	at    keyspace.KeyAt
	w     *rdb.Writer
	r     *rdb.Reader
	emit  func(args [][]byte)
	begin func() // before the first element, nil for nothing
	wrong error  // what the module did wrong
	ended bool
}

func (t *nativeType) newStream(at keyspace.KeyAt) *stream {
	s := &stream{t: t, at: at}
	s.Impl = s
	return s
}

// end makes the stream useless and returns its first error.
func (s *stream) end() error {
	err := s.Err()
	s.ended = true
	return err
}

var (
	errOnlySaves = errors.New("this method can only load")
	errOnlyLoads = errors.New("this method can only save")
	errOnlyEmits = errors.New("only Rewrite can emit commands")
)

// misuse makes err the stream's error.
func (s *stream) misuse(err error) {
	if s.wrong == nil && !s.ended {
		s.wrong = err
		s.t.module.misuses.Add(1)
		s.t.logf(plugin.Warning, "API misuse: %v", err)
	}
}

// saving reports whether something may be written.
func (s *stream) saving() bool {
	if s.w == nil || s.ended {
		s.misuse(errOnlySaves)
		return false
	}
	if s.begin != nil {
		s.begin()
		s.begin = nil
	}
	return s.wrong == nil
}

// loading reports whether something may be read.
func (s *stream) loading() bool {
	if s.r == nil || s.ended {
		s.misuse(errOnlyLoads)
		return false
	}
	return s.wrong == nil
}

// SaveUint implements plugin.IOImpl.
func (s *stream) SaveUint(n uint64) {
	if s.saving() {
		s.w.WriteModuleUint(n)
	}
}

// SaveFloat implements plugin.IOImpl.
func (s *stream) SaveFloat(f float64) {
	if s.saving() {
		s.w.WriteModuleDouble(f)
	}
}

// SaveFloat32 implements plugin.IOImpl.
func (s *stream) SaveFloat32(f float32) {
	if s.saving() {
		s.w.WriteModuleFloat(f)
	}
}

// SaveBytes implements plugin.IOImpl.
func (s *stream) SaveBytes(b []byte) {
	if s.saving() {
		s.w.WriteModuleString(b)
	}
}

// LoadUint implements plugin.IOImpl.
func (s *stream) LoadUint() uint64 {
	if !s.loading() {
		return 0
	}
	return s.r.ReadModuleUint()
}

// LoadFloat implements plugin.IOImpl.
func (s *stream) LoadFloat() float64 {
	if !s.loading() {
		return 0
	}
	return s.r.ReadModuleDouble()
}

// LoadFloat32 implements plugin.IOImpl.
func (s *stream) LoadFloat32() float32 {
	if !s.loading() {
		return 0
	}
	return s.r.ReadModuleFloat()
}

// LoadBytes implements plugin.IOImpl.
func (s *stream) LoadBytes() []byte {
	if !s.loading() {
		return nil
	}
	b := s.r.ReadModuleString([]byte{})
	if s.r.Err() != nil {
		return nil
	}
	return b
}

// Err implements plugin.IOImpl.
func (s *stream) Err() error {
	switch {
	case s.ended:
		return plugin.ErrStale
	case s.wrong != nil:
		return s.wrong
	case s.w != nil:
		return s.w.Err()
	case s.r != nil:
		return s.r.Err()
	}
	return nil
}

// EmitAOF implements plugin.IOImpl.
func (s *stream) EmitAOF(cmd, format string, args []any) {
	if s.emit == nil || s.ended {
		s.misuse(errOnlyEmits)
		return
	}
	if s.wrong != nil {
		return
	}
	var c plugin.Cmd
	c.Reset(usedCmd{}, cmd)
	argv, err := s.t.host.aofCommand(&c, format, args)
	if err == nil {
		s.emit(argv)
		return
	}
	if errors.Is(err, plugin.ErrBadFormat) {
		s.t.logf(plugin.Warning, "Fatal: AOF method for module data type '%s' tried to call RedisModule_EmitAOF() with wrong "+
			"format specifiers '%s'", s.t.public.Name, format)
	} else {
		s.t.logf(plugin.Warning, "Fatal: AOF method for module data type '%s' tried to emit unknown command '%s'",
			s.t.public.Name, cmd)
	}
	s.misuse(fmt.Errorf("EmitAOF of '%s': %w", cmd, err))
}

// aofCommand returns the arguments of a command for the append-only file, which must be able to load it.
func (h *Modules) aofCommand(c *plugin.Cmd, format string, args []any) ([][]byte, error) {
	if c.Format(format, args...).Err() != nil || c.Opt != 0 {
		return nil, plugin.ErrBadFormat
	}
	argv := [][]byte{[]byte(c.Name)}
	for _, a := range c.Args {
		argv = append(argv, a.Bytes())
	}
	cmd := h.server.Table().Resolve(argv)
	switch {
	case cmd == nil:
		return nil, plugin.ErrCommandNotFound
	case !cmd.ArityOK(len(argv)):
		return nil, plugin.ErrArity
	}
	return argv, nil
}

// Key implements plugin.IOImpl.
func (s *stream) Key() (plugin.String, int) {
	if s.ended {
		return plugin.String{}, -1
	}
	return plugin.StringOf(s.at.Key), s.at.DB
}

// Log implements plugin.IOImpl.
func (s *stream) Log(level plugin.LogLevel, format string, args []any) {
	s.t.logf(level, format, args...)
}

// Rewrite gives the commands that make the value of a native key, which is absent when they are run, without its expiry.
// It is called under the execution lock. The error is that of the module.
func (h *Modules) Rewrite(e keyspace.Entry, emit func(args [][]byte)) error {
	t, v, live := e.Native()
	nt, _ := t.(*nativeType)
	if !live || nt.m.Rewrite == nil {
		payload, err := rdb.Dump(nil, e)
		if err == nil {
			emit([][]byte{[]byte("RESTORE"), e.Key(), []byte("0"), payload})
		}
		return err
	}
	s := nt.newStream(keyspace.KeyAt{DB: e.DB().Index(), Key: e.Key()})
	s.emit = emit
	err := nt.guard("Rewrite", func() { nt.m.Rewrite(&s.IO, plugin.StringOf(e.Key()), v) })
	if e := s.end(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("%w to rewrite a value of type %s: %w", rdb.ErrModule, nt.public.Name, err)
	}
	return nil
}
