package plugintest

import (
	"os"
	"path/filepath"
	"strings"

	"datastore/plugin"
)

// Reload saves the data as RDB, forgets it, and loads what was saved, as DEBUG RELOAD does; the test fails when the data is
// not the same afterwards.
func (s *Server) Reload() {
	s.t.Helper()
	digest, before := s.digest(), s.entries()
	s.admin.Do("DEBUG", "RELOAD").Must()
	s.report("DEBUG RELOAD")
	if s.digest() == digest {
		return
	}
	lines := differences(before, s.entries())
	s.t.Errorf("the data is not the same after a reload:\n%s", indent(strings.Join(lines, "\n")))
}

// ReplayAOF starts another server from a copy of this one's append-only file, and returns it; the test fails when it does not
// load or does not hold the same data. onLoad is the module of that server: nil for none, which is what a module that is
// replicated by effects promises to get along with. It needs Options.AOF.
func (s *Server) ReplayAOF(onLoad plugin.OnLoadFunc) *Server {
	s.t.Helper()
	if !s.o.AOF {
		s.t.Fatal("plugintest: ReplayAOF needs Options.AOF")
	}
	o := Options{AOF: true, Args: s.o.Args, Config: s.o.Config, AllowMisuse: s.o.AllowMisuse}
	other := newServer(s.t, o, s.clock)
	files := os.DirFS(filepath.Join(s.dir, "appendonlydir")) // what a reply claims has been written
	if err := os.CopyFS(filepath.Join(other.dir, "appendonlydir"), files); err != nil {
		s.t.Fatalf("plugintest: copying the append-only file: %v", err)
	}
	if err := other.start(onLoad); err != nil {
		s.t.Fatalf("plugintest: replaying the append-only file: %v\n%s", err, other.tail())
	}
	other.report("during the replay")
	s.equal("the replay of the append-only file", other)
	return other
}
