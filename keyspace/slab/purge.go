package slab

// Free pages keep their memory for reuse, up to a fraction of those in use (see freePages). Time does the rest: pages that
// no allocation needed between two calls of Age go back to the system by and by, in steps of PurgeSome.

const (
	ageShift = 2                    // this fraction of the pages that were not needed goes back per Age
	ageLeast = (1 << 20) / pageSize // but at least so many pages
)

// Age tells that some time has passed, a second or so: a part of the free pages that have not been needed since the last
// call are to be given back. Runs that wait for the first block of their class become free pages: a value that has grown
// through many sizes leaves one of each.
func (a *Arena) Age() {
	for c, e := range a.serving {
		if e != 0 && entryAt(e).live == 0 {
			a.serving[c] = 0
			a.freeRun(e)
		}
	}
	idle := min(a.dirtyLow, a.dirtyPages)
	a.dirtyLow = a.dirtyPages
	a.purgeDue = min(idle, max(idle>>ageShift, ageLeast))
}

// PurgeAll tells that all free pages are to be given back.
func (a *Arena) PurgeAll() { a.purgeDue = a.dirtyPages }

// Purging reports whether PurgeSome has something to do.
func (a *Arena) Purging() bool { return a.purgeDue > 0 }

// PurgeSome gives up to purgeRanges ranges of free pages back and reports whether there are more to go.
func (a *Arena) PurgeSome() (more bool) {
	if a.purgeDue <= 0 {
		return false
	}
	before := a.dirtyPages
	a.giveBack()
	a.dirtyLow = min(a.dirtyLow, a.dirtyPages)
	if a.purgeDue -= before - a.dirtyPages; a.dirtyPages == 0 || a.dirtyPages == before { // or the system refuses
		a.purgeDue = 0
	}
	return a.purgeDue > 0
}
