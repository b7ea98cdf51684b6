package server

import (
	"runtime"
	"testing"
)

// TestGCPauses wants a collection to be seen once.
func TestGCPauses(t *testing.T) {
	var p gcPauses
	p.take()
	runtime.GC()
	if got := p.take(); got <= 0 || got > int64(10e9) {
		t.Errorf("a collection has stopped the program for %d ns", got)
	}
}
