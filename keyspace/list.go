package keyspace

import (
	"datastore/keyspace/packed"
)

// List is the handle of a list: one listpack while it fits a node, a ring of nodes above.
type List struct{ handle }

// List opens a list or a missing key.
func (d *DB) List(key []byte) (l List, err error) {
	err = l.Find(d, key)
	return l, err
}

func (l *List) nodes() *nodeList { return l.object().list }

// Len returns the number of elements.
func (l *List) Len() int {
	switch {
	case l.r == 0:
		return 0
	case l.encoding() == encPacked:
		return packed.Len(bytesOf(l.r))
	}
	return l.nodes().len
}

// nodeFits reports whether a listpack of n bytes and count elements may take one more element of size bytes.
func (s *Store) nodeFits(n, count, size int) bool {
	if limit := s.limits.ListNode; limit >= 0 && count >= max(limit, 1) {
		return false
	}
	return n+size <= s.nodeLimit() || s.limits.ListNode == 0
}

// nodeLimit returns the bytes up to which a node with more than one element grows.
func (s *Store) nodeLimit() int {
	if limit := s.limits.ListNode; limit < 0 {
		return 4 << 10 << min(-limit-1, 4)
	}
	return 8 << 10
}

// Push adds an element at an end, creating the list.
func (l *List) Push(end End, val []byte) {
	l.change()
	size := packed.EntrySize(val)
	if l.r == 0 {
		l.createPacked(TypeList, size)
	}
	if l.encoding() == encPacked {
		b := bytesOf(l.r)
		n := packed.Len(b)
		if n == 0 || l.d.store.nodeFits(len(b), n, size) {
			l.keep(pushPacked(l.room(size), end, val))
			return
		}
		l.unpack()
	}
	l.pushNode(end, val, size)
}

func pushPacked(b []byte, end End, val []byte) []byte {
	if end == Head {
		return packed.Prepend(b, val)
	}
	return packed.Append(b, val)
}

func (l *List) pushNode(end End, val []byte, size int) {
	s, nl := l.d.store, l.nodes()
	i := 0
	if end == Tail {
		i = nl.n - 1
	}
	nd := nl.at(i)
	if s.nodeFits(int(nd.bytes), int(nd.count), size) {
		nl.push(s, i, end, val)
		return
	}
	if end == Tail {
		i = nl.n
	}
	l.addNode(i, val)
}

// addNode puts a new node with one element before node i.
func (l *List) addNode(i int, val []byte) {
	s, nl := l.d.store, l.nodes()
	size := packed.EntrySize(val)
	nl.insertNode(s, i, emptyNode(s, max(size, min(2*size, 256))))
	nl.keep(s, i, packed.Append(nl.view(s, i), val), 1)
}

// unpack turns the listpack into a ring with one node.
func (l *List) unpack() {
	b := bytesOf(l.r)
	nl := &nodeList{len: packed.Len(b)}
	nl.insertNode(l.d.store, 0, newNode(l.d.store, b))
	l.become(object{list: nl})
}

// Pop takes the element at an end off and appends its text to dst; false when the list is missing.
func (l *List) Pop(end End, dst []byte) ([]byte, bool) {
	if l.r == 0 {
		return dst, false
	}
	l.change()
	if l.encoding() == encPacked {
		b := l.room(0)
		off := endOffset(b, end)
		dst = packed.Get(b, off).AppendTo(dst)
		l.trimList(packed.Delete(b, off, 1))
		return dst, true
	}
	s, nl := l.d.store, l.nodes()
	i := 0
	if end == Tail {
		i = nl.n - 1
	}
	b := nl.view(s, i)
	dst = packed.Get(b, endOffset(b, end)).AppendTo(dst)
	nl.pop(s, end)
	l.removeIfEmpty()
	return dst, true
}

// endOffset returns the offset of the element at an end.
func endOffset(b []byte, end End) int {
	if end == Head {
		return packed.First(b)
	}
	return packed.Last(b)
}

func (l *List) removeIfEmpty() {
	if l.Len() == 0 {
		l.remove()
	}
}

// locate returns the listpack that holds element i, its node (0 for a packed list) and the element's offset; i must be in
// range.
func (l *List) locate(i int) (b []byte, nd, off int) {
	if l.encoding() == encPacked {
		b = l.room(0)
		return b, 0, packed.Index(b, i)
	}
	nl := l.nodes()
	nd, in := nl.find(i)
	b = nl.view(l.d.store, nd)
	return b, nd, packed.Index(b, in)
}

// index normalizes i, which counts from the tail when negative.
func (l *List) index(i int) (int, bool) {
	n := l.Len()
	if i < 0 {
		i += n
	}
	return i, i >= 0 && i < n
}

// At returns element i, counting from the tail when negative; false when it is out of range.
func (l *List) At(i int) (Value, bool) {
	i, ok := l.index(i)
	if !ok {
		return Value{}, false
	}
	b, _, off := l.locate(i)
	return packed.Get(b, off), true
}

// Set replaces element i, counting from the tail when negative; false when it is out of range.
func (l *List) Set(i int, val []byte) bool {
	i, ok := l.index(i)
	if !ok {
		return false
	}
	l.change()
	b, nd, off := l.locate(i)
	extra := max(0, packed.ReplacedSize(b, off, val)-len(b))
	if l.encoding() == encPacked {
		if l.d.store.nodeFits(len(b), 0, extra) || packed.Len(b) == 1 {
			l.trim(packed.Replace(l.room(extra), off, val))
			return true
		}
		l.unpack()
	}
	s, nl := l.d.store, l.nodes()
	if c := nl.at(nd).count; c > 1 && !s.nodeFits(len(b), 0, extra) {
		l.deleteIn(nd, off)
		l.insert(i, val)
		return true
	}
	nl.keep(s, nd, packed.Replace(nl.room(s, nd, extra), off, val), 0)
	return true
}

// Insert puts an element before element i (0…Len; Len appends), creating the list.
func (l *List) Insert(i int, val []byte) {
	if i <= 0 || i >= l.Len() {
		end := Tail
		if i <= 0 && l.r != 0 {
			end = Head
		}
		l.Push(end, val)
		return
	}
	l.change()
	l.insert(i, val)
}

func (l *List) insert(i int, val []byte) {
	s := l.d.store
	size := packed.EntrySize(val)
	if l.encoding() == encPacked {
		b := bytesOf(l.r)
		if s.nodeFits(len(b), packed.Len(b), size) {
			b = l.room(size)
			l.keep(packed.Insert(b, insertOffset(b, i), val))
			return
		}
		l.unpack()
	}
	nl := l.nodes()
	if i >= nl.len {
		l.pushNode(Tail, val, size)
		return
	}
	nd, in := nl.find(i)
	n := nl.at(nd)
	if s.nodeFits(int(n.bytes), int(n.count), size) {
		b := nl.room(s, nd, size)
		nl.keep(s, nd, packed.Insert(b, insertOffset(b, in), val), 1)
		return
	}
	if in > 0 {
		l.split(nd, in)
		nd++
	}
	// Between two nodes: at the tail of the one before, at the head of this one, or in a node of its own.
	for _, try := range [2]struct {
		node int
		end  End
	}{{nd - 1, Tail}, {nd, Head}} {
		if try.node >= 0 && s.nodeFits(int(nl.at(try.node).bytes), int(nl.at(try.node).count), size) {
			nl.push(s, try.node, try.end, val)
			return
		}
	}
	l.addNode(nd, val)
}

// insertOffset returns the offset of element i, or of the end marker when i is the length.
func insertOffset(b []byte, i int) int {
	if off := packed.Index(b, i); off >= 0 {
		return off
	}
	return len(b) - 1
}

// split divides a node before its element in.
func (l *List) split(nd, in int) {
	s, nl := l.d.store, l.nodes()
	b := nl.view(s, nd)
	off := packed.Index(b, in)
	count := int(nl.at(nd).count) - in
	tail := emptyNode(s, len(b)-off)
	t := tail.view(s.arena)
	var text [24]byte
	for o := off; o >= 0; o = packed.Next(b, o) {
		t = packed.Append(t, textOf(packed.Get(b, o), &text))
	}
	tail.bytes, tail.count = uint32(len(t)), uint32(count)
	nl.keep(s, nd, packed.Delete(b, off, count), -count)
	nl.insertNode(s, nd+1, tail)
	nl.len += count
}

// deleteIn deletes one element of a node.
func (l *List) deleteIn(nd, off int) {
	s, nl := l.d.store, l.nodes()
	nl.keep(s, nd, packed.Delete(nl.view(s, nd), off, 1), -1)
}

// DeleteAt deletes element i, counting from the tail when negative; the key goes with its last element.
func (l *List) DeleteAt(i int) bool {
	i, ok := l.index(i)
	if !ok {
		return false
	}
	l.change()
	b, nd, off := l.locate(i)
	if l.encoding() == encPacked {
		l.trimList(packed.Delete(b, off, 1))
		return true
	}
	l.deleteIn(nd, off)
	l.removeIfEmpty()
	return true
}

// IndexOf returns the index of the first element equal to val, or -1.
func (l *List) IndexOf(val []byte) int {
	it := l.Iter(0, false)
	for i := 0; it.Next(); i++ {
		if it.Value().Equal(val) {
			return i
		}
	}
	return -1
}

// InsertPivot inserts before or after the first element equal to pivot; false when there is none.
func (l *List) InsertPivot(before bool, pivot, val []byte) bool {
	i := l.IndexOf(pivot)
	if i < 0 {
		return false
	}
	if !before {
		i++
	}
	l.Insert(i, val)
	return true
}

// Remove deletes up to count elements equal to val, from the head, from the tail when count is negative, all when it is 0,
// and returns how many it deleted.
func (l *List) Remove(count int, val []byte) int {
	if l.r == 0 {
		return 0
	}
	left := count
	if left == 0 {
		left = l.Len()
	}
	if left < 0 {
		left = -left
	}
	removed := 0
	if l.encoding() == encPacked {
		b := l.room(0)
		if packed.Find(b, packed.First(b), val, 0) < 0 {
			return 0
		}
		l.change()
		b, removed = removePacked(b, val, left, count < 0)
		l.trimList(b)
		return removed
	}
	removed = l.removeNodes(val, left, count < 0)
	l.removeIfEmpty()
	return removed
}

func (l *List) removeNodes(val []byte, left int, fromTail bool) int {
	s, nl := l.d.store, l.nodes()
	removed := 0
	nd, step := 0, 1
	if fromTail {
		nd, step = nl.n-1, -1
	}
	for removed < left && nd >= 0 && nd < nl.n {
		before := nl.n
		b := nl.view(s, nd)
		if packed.Find(b, packed.First(b), val, 0) < 0 {
			nd += step
			continue
		}
		if removed == 0 {
			l.change()
		}
		b, n := removePacked(b, val, left-removed, fromTail)
		removed += n
		nl.keep(s, nd, b, -n)
		if nl.n == before || fromTail {
			nd += step
		}
	}
	return removed
}

// removePacked deletes up to max elements equal to val from one end of a listpack.
func removePacked(b, val []byte, max int, fromTail bool) ([]byte, int) {
	removed := 0
	if !fromTail {
		for off := packed.First(b); off >= 0 && removed < max; {
			if off = packed.Find(b, off, val, 0); off < 0 {
				break
			}
			b = packed.Delete(b, off, 1)
			removed++
			if off >= len(b)-1 {
				break
			}
		}
		return b, removed
	}
	for off := packed.Last(b); off >= 0 && removed < max; {
		prev := packed.Prev(b, off)
		if packed.Get(b, off).Equal(val) {
			b = packed.Delete(b, off, 1)
			removed++
		}
		off = prev
	}
	return b, removed
}

// Trim keeps the elements start to stop, both included and already normalized; it deletes the key when start > stop.
func (l *List) Trim(start, stop int) {
	n := l.Len()
	if l.r == 0 || (start == 0 && stop >= n-1) {
		return
	}
	l.change()
	if start > stop || start >= n {
		l.remove()
		return
	}
	stop = min(stop, n-1)
	if l.encoding() == encPacked {
		b := l.room(0)
		if tail := n - 1 - stop; tail > 0 {
			b = packed.Delete(b, packed.Index(b, stop+1), tail)
		}
		if start > 0 {
			b = packed.Delete(b, packed.First(b), start)
		}
		l.trim(b)
		return
	}
	l.cut(n-1-stop, Tail)
	l.cut(start, Head)
}

// cut deletes count elements at an end, whole nodes first.
func (l *List) cut(count int, end End) {
	s, nl := l.d.store, l.nodes()
	for count > 0 {
		nd := 0
		if end == Tail {
			nd = nl.n - 1
		}
		if c := int(nl.at(nd).count); c <= count {
			nl.len -= c
			count -= c
			nl.removeNode(s, nd)
			continue
		}
		b := nl.view(s, nd)
		off := packed.First(b)
		if end == Tail {
			off = packed.Index(b, -count)
		}
		nl.keep(s, nd, packed.Delete(b, off, count), -count)
		return
	}
}

// ListIter walks a list. No write may come between the steps.
type ListIter struct {
	l       List
	b       []byte
	nd, off int
	reverse bool
	started bool
}

// Iter starts a walk at element start, towards the head when reverse is set. start must be in range, or 0 for an empty
// list.
func (l *List) Iter(start int, reverse bool) ListIter {
	it := ListIter{l: *l, off: -1, reverse: reverse}
	if start, ok := l.index(start); ok {
		it.b, it.nd, it.off = it.l.locate(start)
	}
	return it
}

// Next goes to the next element and reports whether there is one.
func (it *ListIter) Next() bool {
	if it.off < 0 {
		return false
	}
	if !it.started {
		it.started = true
		return true
	}
	if it.reverse {
		it.off = packed.Prev(it.b, it.off)
	} else {
		it.off = packed.Next(it.b, it.off)
	}
	if it.off < 0 && it.l.encoding() == encObject {
		it.step()
	}
	return it.off >= 0
}

// step goes on to the neighbouring node.
func (it *ListIter) step() {
	nl := it.l.nodes()
	if it.reverse {
		it.nd--
	} else {
		it.nd++
	}
	if it.nd < 0 || it.nd >= nl.n {
		return
	}
	it.b = nl.view(it.l.d.store, it.nd)
	if it.reverse {
		it.off = packed.Last(it.b)
	} else {
		it.off = packed.First(it.b)
	}
}

// Value returns the current element.
func (it *ListIter) Value() Value { return packed.Get(it.b, it.off) }
