package keyspace

import (
	"datastore/keyspace/packed"
	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

// RemoveEnd begins to load a record recordAhead removals before it is needed, and from the record, when it has come, the
// bucket that names it bucketAhead removals before. Every removal misses the cache in both; this hides about half of that.
const (
	recordAhead = 8
	bucketAhead = 4
)

// RemoveEnd removes the n members with the lowest scores (Head) or the highest (Tail), 1 <= n <= Len, as n changes. The key
// goes with its last member.
func (z *ZSet) RemoveEnd(end End, n int) {
	z.change()
	z.d.store.changes += int64(n - 1)
	switch {
	case n == z.Len():
		z.remove()
	case z.encoding() == encPacked:
		b := z.room(0)
		off := packed.First(b)
		if end == Tail {
			off = packed.Index(b, -2*n)
		}
		z.trim(packed.Delete(b, off, 2*n))
	default:
		o := z.object()
		for range n {
			z.d.store.freeElement(o, o.zset.removeEnd(end == Tail))
		}
	}
}

// removeEnd takes the first or the last member out and returns its element. The order of the tree makes it unnecessary to
// search for it.
func (o *bigZSet) removeEnd(last bool) slab.Ref {
	var r slab.Ref
	if last {
		r = o.tree.PopLast()
	} else {
		r = o.tree.PopFirst()
	}
	if soon := o.tree.Near(last, recordAhead); soon != 0 {
		slab.PrefetchBlock(soon)
	}
	if soon := o.tree.Near(last, bucketAhead); soon != 0 {
		o.dict.Prefetch(o.dict.Hash(table.Key(soon)))
	}
	o.dict.Remove(o.dict.Hash(table.Key(r)), r)
	return r
}
