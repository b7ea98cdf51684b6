package server

import (
	"fmt"
	"slices"

	"datastore/keyspace"
	"datastore/keyspace/rdb"
)

// loadAux gives the modules what they have stored in a snapshot beside the keys.
func (s *Server) loadAux(aux []rdb.ModuleAux) error {
	s.modules.host.BeginLoad()
	for _, a := range aux {
		if err := s.modules.host.LoadAux(a); err != nil {
			return fmt.Errorf("what type %s stores beside the keys: %w", keyspace.NativeName(a.ID), err)
		}
	}
	return nil
}

// logOpaque tells of the values whose types no module has registered, counted by the ids of the types.
func (s *Server) logOpaque(counts map[uint64]int64) {
	var lines []string
	for id, n := range counts {
		if s.natives.Type(id) == nil {
			lines = append(lines, fmt.Sprintf("%d values of module type '%s' (version %d) are kept as they were saved: no module has "+
				"registered the type", n, keyspace.NativeName(id), id&rdb.ModuleVersionMask))
		}
	}
	slices.Sort(lines)
	for _, line := range lines {
		s.logf(Warning, "%s", line)
	}
}

// lazyFreed returns how many deleted objects wait to be freed, and how many have been freed in the background.
func (s *Server) lazyFreed() (waiting, freed int64) {
	waiting, freed = int64(s.store.Trash()), s.store.Freed()
	if h := s.modules.host; h != nil {
		w, f := h.LazyFree()
		waiting, freed = waiting+int64(w), freed+f
	}
	return waiting, freed
}
