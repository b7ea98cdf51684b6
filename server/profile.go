package server

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"sync"

	"datastore/server/command"
)

// profile is a processor profile of the whole process that DEBUG PROFILE has begun. While it is taken, handlers of modules
// run under pprof labels; setting them for every call would take a third of its time.
type profile struct {
	file  *os.File // nil for none; under the execution lock
	out   *bufio.Writer
	ended sync.WaitGroup
}

var errProfile = command.Errorf("ERR no profile is being taken")

// debugProfile answers DEBUG PROFILE CPU|HEAP file and DEBUG PROFILE STOP.
func (s *Server) debugProfile(c *command.Ctx) error {
	var err error
	switch {
	case c.Is(2, "CPU") && len(c.Args) == 4:
		err = s.beginProfile(c.Arg(3))
	case c.Is(2, "HEAP") && len(c.Args) == 4:
		err = s.writeHeapProfile(c.Arg(3))
	case c.Is(2, "STOP") && len(c.Args) == 3:
		if s.profile.file == nil {
			return errProfile
		}
		s.endProfile()
	default:
		return command.ErrSyntax
	}
	if err != nil {
		return err
	}
	c.W.OK()
	return nil
}

// newProfile makes a file in the directory of the dataset, which must not exist.
func (s *Server) newProfile(name string) (*os.File, error) {
	if name != filepath.Base(name) || name == "." || name == ".." {
		return nil, command.Errorf("ERR the name of a profile can't be a path, just a filename")
	}
	f, err := os.OpenFile(filepath.Join(s.values.Dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("creating the profile: %w", diskError(err))
	}
	return f, nil
}

func (s *Server) beginProfile(name string) error {
	f, err := s.newProfile(name)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(f)
	if err := pprof.StartCPUProfile(out); err != nil { // there is one already
		_ = f.Close()
		_ = os.Remove(f.Name())
		return fmt.Errorf("taking a profile: %w", err)
	}
	s.profile.file, s.profile.out = f, out
	s.modules.host.Label(true)
	return nil
}

// endProfile completes the profile on a goroutine, for that takes a fifth of a second; the log tells when it is done.
func (s *Server) endProfile() {
	p := &s.profile
	f, out := p.file, p.out
	if f == nil {
		return
	}
	p.file, p.out = nil, nil
	s.modules.host.Label(false)
	p.ended.Go(func() {
		pprof.StopCPUProfile()
		err := out.Flush()
		if e := f.Close(); err == nil {
			err = e
		}
		if err != nil {
			s.logf(Warning, "Can't write the profile %s: %v", filepath.Base(f.Name()), err)
			return
		}
		s.logf(Notice, "The profile %s is complete", filepath.Base(f.Name()))
	})
}

// closeProfile completes a profile at the end of the server. Nothing else runs.
func (s *Server) closeProfile() {
	s.endProfile()
	s.profile.ended.Wait()
}

func (s *Server) writeHeapProfile(name string) error {
	f, err := s.newProfile(name)
	if err != nil {
		return err
	}
	err = pprof.WriteHeapProfile(f)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("writing the profile: %w", err)
	}
	return nil
}
