package keyspace

import (
	"datastore/keyspace/packed"
	"datastore/keyspace/slab"
)

// nodeList is a large list: a ring of listpack nodes. The ring is one flat array of (block, bytes, elements), so both ends
// are O(1), an index is found by adding up counts from the nearer end over contiguous memory, and a node inserted in the
// middle moves only the shorter side. A linked list of nodes, as Redis has, was rejected: finding an index there misses the
// cache once per node.
type nodeList struct {
	ring []node // length a power of two
	head int
	n    int // nodes
	len  int // elements

	blockBytes int64 // of all nodes' blocks
}

// node is a listpack in a block. It need not begin where the block does: a node that elements are pushed to at the head
// has its free bytes there, and one that they are popped from at the head gets them there, so that neither moves the rest.
type node struct {
	ref   uint64 // block, and where in it the listpack begins in the 16 bits above
	bytes uint32
	count uint32
}

const (
	nodeBytes = 16
	gapShift  = 48
	maxGap    = 1<<16 - 1
)

func (n *node) block() slab.Ref { return slab.Ref(n.ref & slab.RefMask) }
func (n *node) gap() int        { return int(n.ref >> gapShift) }

func (n *node) setBlock(r slab.Ref, gap int) { n.ref = uint64(r) | uint64(gap)<<gapShift }

// view returns the listpack with the capacity of its block.
func (n *node) view(a *slab.Arena) []byte {
	r, gap := n.block(), n.gap()
	return slab.BytesCap(r, gap, int(n.bytes), a.SizeOf(r)-gap)
}

// whole returns all bytes of the block.
func (n *node) whole(a *slab.Arena) []byte { return slab.Bytes(n.block(), 0, a.SizeOf(n.block())) }

func (l *nodeList) at(i int) *node { return &l.ring[(l.head+i)&(len(l.ring)-1)] }

// view returns the listpack of node i with the capacity of its block.
func (l *nodeList) view(s *Store, i int) []byte { return l.at(i).view(s.arena) }

// insertNode opens a place for a node before node i (0…n).
func (l *nodeList) insertNode(s *Store, i int, nd node) {
	if l.n == len(l.ring) {
		l.resize(s, max(8, 2*len(l.ring)))
	}
	l.n++
	l.blockBytes += int64(s.arena.SizeOf(nd.block()))
	if i < l.n/2 {
		l.head = (l.head - 1) & (len(l.ring) - 1)
		for j := 0; j < i; j++ {
			*l.at(j) = *l.at(j + 1)
		}
	} else {
		for j := l.n - 1; j > i; j-- {
			*l.at(j) = *l.at(j - 1)
		}
	}
	*l.at(i) = nd
}

// removeNode frees node i.
func (l *nodeList) removeNode(s *Store, i int) {
	l.freeBlock(s, l.at(i).block())
	if i < l.n/2 {
		for j := i; j > 0; j-- {
			*l.at(j) = *l.at(j - 1)
		}
		l.head = (l.head + 1) & (len(l.ring) - 1)
	} else {
		for j := i; j < l.n-1; j++ {
			*l.at(j) = *l.at(j + 1)
		}
	}
	l.n--
	if len(l.ring) > 64 && l.n < len(l.ring)/8 {
		l.resize(s, len(l.ring)/4)
	}
}

// resize gives the ring another length.
func (l *nodeList) resize(s *Store, n int) {
	ring := make([]node, n)
	for j := range l.n {
		ring[j] = *l.at(j)
	}
	s.heapBytes += int64(n-len(l.ring)) * nodeBytes
	l.ring, l.head = ring, 0
}

// find returns the node that holds element i and the element's index within it.
func (l *nodeList) find(i int) (nd, in int) {
	if i < l.len/2 {
		for nd = 0; i >= int(l.at(nd).count); nd++ {
			i -= int(l.at(nd).count)
		}
		return nd, i
	}
	back := l.len - i // elements from i to the end
	for nd = l.n - 1; back > int(l.at(nd).count); nd-- {
		back -= int(l.at(nd).count)
	}
	return nd, int(l.at(nd).count) - back
}

// newNode stores a listpack in a block and returns its node.
func newNode(s *Store, b []byte) node {
	r := s.arena.Alloc(len(b))
	copy(slab.Bytes(r, 0, len(b)), b)
	return node{ref: uint64(r), bytes: uint32(len(b)), count: uint32(packed.Len(b))}
}

// emptyNode returns a node whose listpack is empty and has room for extra bytes of elements.
func emptyNode(s *Store, extra int) node {
	r := s.arena.Alloc(listpackBytes + extra)
	b := packed.New(slab.BytesCap(r, 0, 0, s.arena.SizeOf(r)))
	return node{ref: uint64(r), bytes: uint32(len(b))}
}

const listpackBytes = 7 // of an empty listpack

// room returns node i's listpack with capacity for extra more bytes. A full block doubles, so that a node grows in a few
// steps to its limit, and not beyond.
func (l *nodeList) room(s *Store, i, extra int) []byte {
	nd := l.at(i)
	if b := nd.view(s.arena); len(b)+extra <= cap(b) {
		return b
	}
	l.reblock(s, nd, extra, 0)
	return nd.view(s.arena)
}

// reblock moves a node's listpack within its block, or to a larger one, so that extra more bytes fit behind it, or before
// it at the head. The other end gets what the list leaves it: a list of one node half of the free bytes, else none.
func (l *nodeList) reblock(s *Store, nd *node, tail, head int) {
	r, n := nd.block(), int(nd.bytes)
	size, from := s.arena.SizeOf(r), nd.gap()
	if n+tail+head > size {
		need, want := n+tail+head, n+max(tail+head, min(n, 4096))
		if most := s.nodeLimit(); need <= most {
			want = min(want, most)
		}
		r = s.arena.Alloc(want)
		size = s.arena.SizeOf(r)
		l.blockBytes += int64(size)
	}
	free := size - n
	spare := 0
	if l.n == 1 && r == nd.block() {
		spare = (free - tail - head) / 2
	}
	gap := min(spare, maxGap)
	if head > 0 {
		gap = min(free-spare, maxGap)
	}
	slab.Copy(r, gap, nd.block(), from, n)
	if r != nd.block() {
		l.freeBlock(s, nd.block())
	}
	nd.setBlock(r, gap)
}

// push adds an element at an end of node i, for which there is room by the limits.
func (l *nodeList) push(s *Store, i int, end End, val []byte) {
	size := packed.EntrySize(val)
	if nd := l.at(i); end == Head && size <= maxGap {
		if nd.gap() < size {
			l.reblock(s, nd, 0, size)
		}
		nd.setBlock(nd.block(), packed.PrependIn(nd.whole(s.arena), nd.gap(), val))
		nd.bytes += uint32(size)
		nd.count++
		l.len++
		return
	}
	l.keep(s, i, pushPacked(l.room(s, i, size), end, val), 1)
}

// pop takes the element at an end of the list off. The list must have one.
func (l *nodeList) pop(s *Store, end End) {
	i := 0
	if end == Tail {
		i = l.n - 1
	}
	nd := l.at(i)
	b := nd.view(s.arena)
	off := endOffset(b, end)
	if first := packed.Next(b, off); end == Head && first > 0 && nd.gap()+first <= maxGap {
		gap := packed.DeleteFirst(nd.whole(s.arena), nd.gap())
		nd.bytes -= uint32(gap - nd.gap())
		nd.setBlock(nd.block(), gap)
		l.keep(s, i, nd.view(s.arena), -1)
		return
	}
	l.keep(s, i, packed.Delete(b, off, 1), -1)
}

// keep records an edited node, whose element count changed by delta, and removes it when it is empty; a block of which
// less than a quarter is used is exchanged.
func (l *nodeList) keep(s *Store, i int, b []byte, delta int) {
	nd := l.at(i)
	nd.bytes, nd.count = uint32(len(b)), uint32(int(nd.count)+delta)
	l.len += delta
	if nd.count == 0 {
		l.removeNode(s, i)
		return
	}
	if size := s.arena.SizeOf(nd.block()); size > 128 && slab.ClassSize(len(b)) < size/4 {
		old := nd.block()
		*nd = newNode(s, b)
		l.blockBytes += int64(s.arena.SizeOf(nd.block()))
		l.freeBlock(s, old)
	}
}

func (l *nodeList) clone(s *Store) *nodeList {
	c := &nodeList{len: l.len}
	before := s.arena.Used()
	c.resize(s, len(l.ring))
	c.n = l.n
	for i := range l.n {
		c.ring[i] = newNode(s, l.view(s, i))
	}
	c.blockBytes = s.arena.Used() - before
	return c
}

func (l *nodeList) freeBlock(s *Store, r slab.Ref) {
	l.blockBytes -= int64(s.arena.SizeOf(r))
	s.arena.Free(r)
}
