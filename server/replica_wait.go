package server

import (
	"datastore/server/command"
	"datastore/server/resp"
)

var (
	errWaitReplica     = command.Errorf("ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be writable (which is not the default) writes to replicas are just local and are not propagated.")
	errTimeoutInteger  = command.Errorf("ERR timeout is not an integer or out of range")
	errTimeoutNegative = command.Errorf("ERR timeout is negative")
)

// waitReplicas is WAIT: it answers how many replicas have acknowledged everything written so far, as soon as they are
// numreplicas or the time is over.
func (s *Server) waitReplicas(c *command.Ctx) error {
	if s.link != nil {
		return errWaitReplica
	}
	want, err := c.Int(1)
	if err != nil {
		return err
	}
	timeoutMs, ok := resp.ParseInt(c.Args[2])
	if !ok {
		return errTimeoutInteger
	}
	if timeoutMs < 0 {
		return errTimeoutNegative
	}
	target := s.repl.wroteOffset
	have := s.ackedReplicas(target)
	if have >= want || c.Client.DenyBlock || c.Client.InExec {
		c.W.Int(have)
		return nil
	}
	s.askAcks()
	s.block(ownerOf(c), timeoutMs, &wait{
		try: func() bool {
			n := s.ackedReplicas(target)
			if n < want {
				return false
			}
			s.ctx.W.Int(n)
			return true
		},
		expire: func() { s.ctx.W.Int(s.ackedReplicas(target)) },
	})
	return nil
}

// ackedReplicas counts the replicas that have acknowledged the offset.
func (s *Server) ackedReplicas(offset int64) (n int64) {
	for _, r := range s.replicas {
		if r.online && r.ackOffset >= offset {
			n++
		}
	}
	return n
}

// askAcks asks all replicas for an acknowledgement, once for what has been written.
func (s *Server) askAcks() {
	r := &s.repl
	if r.askedOffset > r.wroteOffset || len(s.replicas) == 0 {
		return // the last request stands behind the last unit
	}
	s.feedStream(resp.AppendCommandStrings(nil, "REPLCONF", "GETACK", "*"))
	r.askedOffset = r.stream.End()
}
