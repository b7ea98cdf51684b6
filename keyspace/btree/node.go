package btree

import (
	"math"

	"datastore/keyspace/slab"
)

// FORMAT of a node: one block of nodeBytes or innerBytes, words of 8 bytes.
//
//	leaf   [0] entries in use, height 0 << 32   [1] next leaf   [2] previous leaf
//	       leafMax scores, leafMax refs
//	inner  [0] children in use, height << 32
//	       innerMax least scores, innerMax refs of the least entry, innerMax entry counts, innerMax children
//
// Scores lie together, so that a binary search in a leaf touches about three cache lines.
const (
	leafMax  = 62
	innerMax = 63
	leafMin  = leafMax / 4 // below, a node is merged with a neighbour if both fit into one
	innerMin = innerMax / 4

	nextAt    = 8
	prevAt    = 16
	leafScore = 24
	leafRef   = leafScore + leafMax*8
	leafBytes = leafRef + leafMax*8

	innerScore = 8
	innerRef   = innerScore + innerMax*8
	innerCount = innerRef + innerMax*8
	innerChild = innerCount + innerMax*8
	innerBytes = innerChild + innerMax*8

	maxHeight = 12 // innerMin^11 leaves are more than memory can hold
)

// node is the address of a node.
type node = slab.Ref

func size(n node) int          { return int(slab.Load32(n, 0)) }
func setSize(n node, v int)    { slab.Store32(n, 0, uint32(v)) }
func height(n node) int        { return int(slab.Load32(n, 4)) }
func next(n node) node         { return node(slab.Load64(n, nextAt)) }
func prev(n node) node         { return node(slab.Load64(n, prevAt)) }
func setNext(n, to node)       { slab.Store64(n, nextAt, uint64(to)) }
func setPrev(n, to node)       { slab.Store64(n, prevAt, uint64(to)) }
func child(n node, i int) node { return node(slab.Load64(n, innerChild+i*8)) }
func count(n node, i int) int  { return int(slab.Load64(n, innerCount+i*8)) }

func addCount(n node, i, d int) {
	slab.Store64(n, innerCount+i*8, slab.Load64(n, innerCount+i*8)+uint64(d))
}

// layout tells where the columns of a kind of node begin and how many rows it has.
type layout struct{ score, ref, columns, max, min, bytes int }

func layoutOf(h int) layout {
	if h == 0 {
		return layout{leafScore, leafRef, 2, leafMax, leafMin, leafBytes}
	}
	return layout{innerScore, innerRef, 4, innerMax, innerMin, innerBytes}
}

func scoreAt(n node, base, i int) float64 { return math.Float64frombits(slab.Load64(n, base+i*8)) }

func refAt(n node, base, i int) slab.Ref { return slab.Ref(slab.Load64(n, base+i*8)) }

// total returns the entries below n.
func total(n node) int {
	if height(n) == 0 {
		return size(n)
	}
	sum := 0
	for i := range size(n) {
		sum += count(n, i)
	}
	return sum
}

// shift moves the rows from..size-1 of n by d places.
func (l *layout) shift(n node, from, d int) {
	rows := size(n) - from
	for c := range l.columns {
		at := l.score + (c*l.max+from)*8
		slab.Copy(n, at+d*8, n, at, rows*8)
	}
}

// copyRows copies k rows from src at i to dst at j.
func (l *layout) copyRows(dst node, j int, src node, i, k int) {
	for c := range l.columns {
		at := l.score + c*l.max*8
		slab.Copy(dst, at+j*8, src, at+i*8, k*8)
	}
}

// setRow writes the least entry of a row; of a leaf that is the row.
func (l *layout) setRow(n node, i int, score float64, r slab.Ref) {
	slab.Store64(n, l.score+i*8, math.Float64bits(score))
	slab.Store64(n, l.ref+i*8, uint64(r))
}

// setChild writes row i of an inner node from the child itself.
func setChild(n node, i int, c node) {
	l := layoutOf(height(c))
	slab.Store64(n, innerScore+i*8, slab.Load64(c, l.score))
	slab.Store64(n, innerRef+i*8, slab.Load64(c, l.ref))
	slab.Store64(n, innerCount+i*8, uint64(total(c)))
	slab.Store64(n, innerChild+i*8, uint64(c))
}

func (t *Tree) newNode(h int) node {
	l := layoutOf(h)
	n := t.arena.Alloc(l.bytes)
	slab.Store64(n, 0, uint64(h)<<32)
	if h == 0 {
		setNext(n, 0)
		setPrev(n, 0)
	}
	t.bytes += int64(slab.ClassSize(l.bytes))
	return n
}

func (t *Tree) freeNode(n node) {
	t.bytes -= int64(slab.ClassSize(layoutOf(height(n)).bytes))
	t.arena.Free(n)
}
