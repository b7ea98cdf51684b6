package slab

// Age tells that about a second has passed since the last call. Runs that serve a class without a block in them become free
// pages: a value that has grown through many sizes leaves one of each. It returns the bytes of the free pages that no
// allocation has needed in that time, their low water; what comes and goes is not among them and should stay.
func (a *Arena) Age() (idle int64) {
	for c, e := range a.serving {
		if e != 0 && entryAt(e).live == 0 {
			a.serving[c] = 0
			a.freeRun(e)
		}
	}
	idle = min(a.dirtyLow, a.dirtyPages) * pageSize
	a.dirtyLow = a.dirtyPages
	return idle
}
