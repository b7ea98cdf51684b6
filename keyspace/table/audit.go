package table

import (
	"errors"
	"fmt"

	"datastore/keyspace/slab"
)

// errBroken is wrapped by what audit finds.
var errBroken = errors.New("broken invariant")

// census is what an audit counts.
type census struct{ entries, overflow, longest int }

// audit compares a table with the invariants that Table states. It reads all entries, whose records must be alive.
func (t *Table) audit() error {
	if err := t.auditArrays(); err != nil {
		return err
	}
	var c census
	if t.buckets != 0 {
		for i := t.moved; i <= t.mask; i++ {
			if err := t.auditChain(t.buckets+slab.Ref(i)*bucketBytes, &c); err != nil {
				return err
			}
		}
	}
	if t.next != 0 {
		for i := range t.nextMask + 1 {
			if err := t.auditChain(t.next+slab.Ref(i)*bucketBytes, &c); err != nil {
				return err
			}
		}
	}
	spare := 0
	for b := t.spare; b != 0 && spare <= t.overflow; b = slab.Ref(slab.Load64(b, linkAt)) {
		spare++
	}
	if c.entries != t.count || c.overflow+spare != t.overflow || c.longest > int(max(t.longest, t.oldLong)) {
		return fmt.Errorf("table: %d entries, %d + %d continuations, chains of up to %d; expected %d, %d, %d: %w", c.entries,
			c.overflow, spare, c.longest, t.count, t.overflow, max(t.longest, t.oldLong), errBroken)
	}
	if spare > 1 || spare > 0 && t.next == 0 {
		return fmt.Errorf("table: %d spare buckets are kept: %w", spare, errBroken)
	}
	return nil
}

// auditArrays compares the fields that describe the two arrays with each other.
func (t *Table) auditArrays() error {
	size, nextSize := t.mask+1, t.nextMask+1
	switch {
	case size&t.mask != 0 || nextSize&t.nextMask != 0 || size > 1<<maxBits || nextSize > 1<<maxBits:
		return fmt.Errorf("table: %d and %d buckets: %w", size, nextSize, errBroken)
	case t.buckets == 0 && (t.next != 0 || t.count != 0 || t.overflow != 0 || t.mask != 0):
		return fmt.Errorf("table: %d entries and %d continuations without an array: %w", t.count, t.overflow, errBroken)
	case t.next == 0 && (t.moved != 0 || t.nextMask != 0 || t.oldLong != 0):
		return fmt.Errorf("table: %d buckets moved, none to move to: %w", t.moved, errBroken)
	case t.next != 0 && (t.moved > t.mask || t.nextMask == t.mask):
		return fmt.Errorf("table: %d of %d buckets moved to %d: %w", t.moved, size, nextSize, errBroken)
	}
	return nil
}

// auditChain checks that the chain that starts with head is dense, ends with an entry, and that its entries belong there.
func (t *Table) auditChain(head slab.Ref, c *census) error {
	length := 0
	for b := head; b != 0; {
		n := 0
		for k := range slots {
			slot := slab.Load64(b, k*8)
			if slot == 0 {
				continue
			}
			if n != k {
				return fmt.Errorf("table: bucket %#x has a hole before slot %d: %w", b, k, errBroken)
			}
			n++
			key := Key(slab.Ref(slot & slab.RefMask))
			h := t.Hash(key)
			if t.bucket(h) != head || slot>>tagShift != h>>hashTag&tagMask {
				return fmt.Errorf("table: %.40q with hash %#x is in bucket %#x with tag %#x: %w", key, h, head,
					slot>>tagShift, errBroken)
			}
		}
		length += n
		link := slab.Ref(slab.Load64(b, linkAt))
		if n == 0 && b != head || n < slots && link != 0 {
			return fmt.Errorf("table: bucket %#x with %d entries is in the chain of %#x before %#x: %w", b, n, head, link,
				errBroken)
		}
		if b = link; b != 0 {
			c.overflow++
		}
	}
	c.entries, c.longest = c.entries+length, max(c.longest, length)
	return nil
}
