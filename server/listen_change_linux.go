package server

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// endpoint is an address that bind and port ask for.
type endpoint struct {
	addr     string
	port     int
	optional bool
}

// endpoints lists what the TCP listeners should be.
func (s *Server) endpoints() []endpoint {
	v := s.values
	if v.Port == 0 {
		return nil
	}
	list := make([]endpoint, 0, len(v.Bind))
	for _, addr := range v.Bind {
		list = append(list, endpoint{strings.TrimPrefix(addr, "-"), v.Port, strings.HasPrefix(addr, "-")})
	}
	return list
}

// rebind opens and closes TCP listeners until they are what bind and port ask for, or leaves them as they were. It runs in
// a handler, thus between two looks of the loop at its listeners. New ones are opened first; where an old one stands in
// their way, as 127.0.0.1 does for 0.0.0.0 with the same port, the old ones go first and come back when that was in vain.
func (l *loop) rebind() error {
	s := l.srv
	var keep, stale []*listener
	missing := s.endpoints()
	for _, ln := range l.lists {
		at := slices.IndexFunc(missing, func(e endpoint) bool { return e.addr == ln.addr && e.port == ln.port })
		switch {
		case ln.unix != "":
			keep = append(keep, ln)
		case at >= 0:
			keep = append(keep, ln)
			missing = slices.Delete(missing, at, at+1)
		default:
			stale = append(stale, ln)
		}
	}
	fresh, err := s.openAll(missing)
	inWay := slices.ContainsFunc(stale, func(ln *listener) bool { return ln.port == s.values.Port })
	switch {
	case err == nil:
		closeAll(s, stale)
	case !inWay:
		return err
	default:
		closeAll(s, stale)
		if fresh, err = s.openAll(missing); err != nil {
			var back []endpoint
			for _, ln := range stale {
				back = append(back, endpoint{ln.addr, ln.port, true})
			}
			fresh, _ = s.openAll(back) // what cannot be opened again has been logged
		}
	}
	l.lists = keep
	for _, ln := range fresh {
		err = errors.Join(err, l.listen(ln))
	}
	return err
}

func (s *Server) openAll(list []endpoint) ([]*listener, error) {
	var open []*listener
	for _, e := range list {
		ln, err := listenTCP(e.addr, e.port, s.values.TCPBacklog)
		if err == nil {
			open = append(open, ln)
			continue
		}
		s.logf(Warning, "Warning: Could not create server TCP listening socket %s:%d: %v", e.addr, e.port, err)
		if !e.optional {
			closeAll(s, open)
			return nil, fmt.Errorf("listening on %s:%d: %w", e.addr, e.port, err)
		}
	}
	return open, nil
}

func closeAll(s *Server, list []*listener) {
	for _, ln := range list {
		ln.close(s)
	}
}
