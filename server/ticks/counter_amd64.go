package ticks

// counter reads the processor's time stamp counter.
//
//go:noescape
func counter() Tick

// cpuid asks the processor about itself: its registers for a leaf of CPUID.
//
//go:noescape
func cpuid(leaf uint32) (eax, edx uint32)

// Leaves of CPUID.
const (
	leafLargest = 0x80000000 // eax is the largest leaf of the extended ones
	leafPower   = 0x80000007 // of edx, bit 8 says that the counter runs at one rate in all states of the processor
	invariant   = 1 << 8
)

// steadyCounter reports whether the counter counts time rather than the cycles of a clock that changes.
func steadyCounter() bool {
	if largest, _ := cpuid(leafLargest); largest < leafPower {
		return false
	}
	_, power := cpuid(leafPower)
	return power&invariant != 0
}
