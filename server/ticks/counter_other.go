//go:build !amd64

package ticks

// counter is not used: steadyCounter says so.
func counter() Tick { return 0 }

func steadyCounter() bool { return false }
