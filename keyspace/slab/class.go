package slab

import "math/bits"

const (
	fineMax    = 128   // classes up to here are 8 bytes apart
	maxSmall   = 14336 // largest block served from a run of equal blocks
	fineCount  = fineMax / 8
	classCount = fineCount + 6*8 + 6 // eight per doubling from 128 to 8192, six from there to maxSmall

	maxRunPages  = 16 // longest run of small blocks
	minRunBlocks = 8  // blocks a run should hold, where maxRunPages allows it
	wasteShift   = 7  // the shortest run that wastes at most 1/128 is taken
)

// class describes one size class. sizeBytes is a multiple of 8.
type class struct {
	sizeBytes uint32
	blocks    uint16 // blocks in one run
	pages     uint16 // pages in one run
}

// classes is immutable: one entry per class, in order of size.
var classes = makeClasses()

// classOf returns the index of the smallest class that holds n bytes, for n in 1..maxSmall. Above 128 bytes every
// doubling is cut into eight steps, so that a block is never more than 1/9 larger than what was asked for.
func classOf(n int) int {
	if n <= fineMax {
		return (n - 1) >> 3
	}
	e := bits.Len(uint(n - 1))
	return fineCount + (e-8)*8 + (n-1)>>(uint(e-4)&63) - 8
}

func makeClasses() (t [classCount]class) {
	for i := range t {
		t[i] = layOut(uint32(classSize(i)))
	}
	return t
}

// classSize is the inverse of classOf: the largest n whose class is i.
func classSize(i int) int {
	if i < fineCount {
		return (i + 1) * 8
	}
	i -= fineCount
	return (9 + i%8) << (4 + i/8)
}

// layOut chooses the run length for blocks of the given size.
func layOut(size uint32) class {
	best, bestWaste := class{}, uint32(0)
	for pages := uint32(1); pages <= maxRunPages; pages++ {
		total := pages * pageSize
		blocks := total / size
		if blocks < min(minRunBlocks, maxRunPages*pageSize/size) {
			continue
		}
		waste := (total % size) * (maxRunPages * 4096 / pages) // scaled, so that lengths compare
		if best.pages == 0 || waste < bestWaste {
			best, bestWaste = class{size, uint16(blocks), uint16(pages)}, waste
		}
		if total%size <= total>>wasteShift {
			break
		}
	}
	return best
}
