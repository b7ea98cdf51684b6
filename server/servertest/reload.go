package servertest

// Digest is DEBUG DIGEST: one number over all keys, values and expiry times of all databases.
func (s *Server) Digest() string {
	s.t.Helper()
	return s.Must("DEBUG", "DIGEST").Str
}

// MustSurviveReload saves the data set as RDB, empties memory, loads it back and ends the test unless the digest is
// what it was. The server needs --enable-debug-command yes.
func (s *Server) MustSurviveReload() {
	s.t.Helper()
	s.mustKeepDigest("DEBUG", "RELOAD")
}

// MustSurviveLoadAOF is MustSurviveReload through the append-only file, which must be on.
func (s *Server) MustSurviveLoadAOF() {
	s.t.Helper()
	s.mustKeepDigest("DEBUG", "LOADAOF")
}

// MustSurviveRestart kills the server and starts it again in its directory; what it held must be on disk by then.
func (s *Server) MustSurviveRestart() {
	s.t.Helper()
	before := s.Digest()
	s.Restart()
	if after := s.Digest(); after != before {
		s.t.Fatalf("digest %s before the restart, %s after it\n%s", before, after, tail(s.Log()))
	}
}

func (s *Server) mustKeepDigest(command ...string) {
	s.t.Helper()
	before := s.Digest()
	s.Must(command...)
	if after := s.Digest(); after != before {
		s.t.Fatalf("digest %s before %q, %s after it", before, command, after)
	}
}
