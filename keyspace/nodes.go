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
}

type node struct {
	ref   slab.Ref
	bytes uint32
	count uint32
}

const nodeBytes = 16

func (l *nodeList) at(i int) *node { return &l.ring[(l.head+i)&(len(l.ring)-1)] }

// view returns the listpack of node i with the capacity of its block.
func (l *nodeList) view(s *Store, i int) []byte {
	nd := l.at(i)
	return slab.BytesCap(nd.ref, 0, int(nd.bytes), s.arena.SizeOf(nd.ref))
}

// insertNode opens a place for a node before node i (0…n).
func (l *nodeList) insertNode(s *Store, i int, nd node) {
	if l.n == len(l.ring) {
		l.resize(s, max(8, 2*len(l.ring)))
	}
	l.n++
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
	s.arena.Free(l.at(i).ref)
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
	s.ringBytes += int64(n-len(l.ring)) * nodeBytes
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
	return node{ref: r, bytes: uint32(len(b)), count: uint32(packed.Len(b))}
}

// emptyNode returns a node whose listpack is empty and has room for extra bytes of elements.
func emptyNode(s *Store, extra int) node {
	r := s.arena.Alloc(listpackBytes + extra)
	b := packed.New(slab.BytesCap(r, 0, 0, s.arena.SizeOf(r)))
	return node{ref: r, bytes: uint32(len(b))}
}

const listpackBytes = 7 // of an empty listpack

// room returns node i's listpack with capacity for extra more bytes. A full block doubles, so that a node grows in a few
// steps to its limit.
func (l *nodeList) room(s *Store, i, extra int) []byte {
	b := l.view(s, i)
	if len(b)+extra <= cap(b) {
		return b
	}
	nd := l.at(i)
	r := s.arena.Alloc(len(b) + max(extra, min(len(b), 4096)))
	copy(slab.Bytes(r, 0, len(b)), b)
	s.arena.Free(nd.ref)
	nd.ref = r
	return l.view(s, i)
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
	if size := s.arena.SizeOf(nd.ref); size > 128 && slab.ClassSize(len(b)) < size/4 {
		old := nd.ref
		*nd = newNode(s, b)
		s.arena.Free(old)
	}
}

func (l *nodeList) clone(s *Store) *nodeList {
	c := &nodeList{len: l.len}
	c.resize(s, len(l.ring))
	c.n = l.n
	for i := range l.n {
		c.ring[i] = newNode(s, l.view(s, i))
	}
	return c
}
