package btree

import (
	"slices"
	"sort"
)

// member is an entry as the model has it.
type member struct {
	score float64
	id    int
}

// ordered is a sorted slice in parts, so that inserting into a long one does not move all of it.
type ordered struct {
	parts [][]member // none is empty
	n     int
}

const partMost = 1024

// search returns the part and the place in it of the first member that is not before, which ascending members turn from
// true to false; the end of the last part if there is none.
func (o *ordered) search(before func(member) bool) (part, i int) {
	part = sort.Search(len(o.parts), func(p int) bool { return !before(o.parts[p][len(o.parts[p])-1]) })
	if part == len(o.parts) {
		return part, 0
	}
	return part, sort.Search(len(o.parts[part]), func(i int) bool { return !before(o.parts[part][i]) })
}

// rank returns the number of members before a place.
func (o *ordered) rank(part, i int) int {
	for _, p := range o.parts[:part] {
		i += len(p)
	}
	return i
}

// count returns the number of members that are before.
func (o *ordered) count(before func(member) bool) int { return o.rank(o.search(before)) }

// place returns the part and the place in it of the member with the given rank, which must exist.
func (o *ordered) place(rank int) (part, i int) {
	for rank >= len(o.parts[part]) {
		rank -= len(o.parts[part])
		part++
	}
	return part, rank
}

// at returns the member with the given rank, which must exist.
func (o *ordered) at(rank int) member {
	part, i := o.place(rank)
	return o.parts[part][i]
}

// step goes from a place to the next one, or to the one before; it reports false at the end.
func (o *ordered) step(part, i *int, forward bool) bool {
	switch {
	case forward && *i+1 < len(o.parts[*part]):
		*i++
	case forward:
		*part, *i = *part+1, 0
	case *i > 0:
		*i--
	case *part > 0:
		*part, *i = *part-1, len(o.parts[*part-1])-1
	default:
		return false
	}
	return *part < len(o.parts)
}

// insert adds a member behind those that are before it.
func (o *ordered) insert(m member, before func(member) bool) {
	o.n++
	part, i := o.search(before)
	if part == len(o.parts) {
		if part == 0 {
			o.parts = append(o.parts, []member{m})
			return
		}
		part--
		i = len(o.parts[part])
	}
	p := slices.Insert(o.parts[part], i, m)
	if o.parts[part] = p; len(p) > partMost {
		o.parts[part] = p[: len(p)/2 : len(p)/2]
		o.parts = slices.Insert(o.parts, part+1, slices.Clone(p[len(p)/2:]))
	}
}

// delete removes the first member that is not before, which must exist.
func (o *ordered) delete(before func(member) bool) member {
	part, i := o.search(before)
	m := o.parts[part][i]
	o.n--
	if o.parts[part] = slices.Delete(o.parts[part], i, i+1); len(o.parts[part]) == 0 {
		o.parts = slices.Delete(o.parts, part, part+1)
	}
	return m
}

// all walks the members in order until yield is false.
func (o *ordered) all(yield func(i int, m member) bool) {
	i := 0
	for _, p := range o.parts {
		for _, m := range p {
			if !yield(i, m) {
				return
			}
			i++
		}
	}
}
