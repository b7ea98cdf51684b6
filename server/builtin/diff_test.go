package builtin_test

import (
	"testing"

	"datastore/server/servertest"
)

// TestDifferential runs the scripts against the daemon and redis-server and compares every reply.
func TestDifferential(t *testing.T) {
	servertest.Compare(t, "testdata/diff/*.txt")
}
