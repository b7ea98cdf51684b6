package server

import "datastore/server/command"

// link is the connection of a replica to its primary.
type link interface {
	// Up reports whether the dataset is in sync and the stream is flowing.
	Up() bool
}

// replica is one replica connected to this server.
type replica struct{ c *conn }

// replicationState is what this server tells and remembers as a primary and as a replica.
type replicationState struct {
	loader command.Client // pseudo client of the AOF
}

func (r *replicationState) init()              {}
func (s *Server) feedReplicas(unit []byte)     {}
func (s *Server) dropReplica(r *replica)       {}
func (s *Server) replicationCron()             {}
func (s *Server) replicasLag() bool            { return false }
func (s *Server) tooFewReplicas() bool         { return false }
func (s *Server) follow(host string, port int) {}
