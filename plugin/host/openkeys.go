package host

import "datastore/keyspace"

// manyOpen is how many open keys are looked through one by one. A handler may open a hundred thousand and leave them to be
// closed.
const manyOpen = 16

// openCount is how many handles of a key are open, and how many of them write.
type openCount struct{ handles, writers int }

// opened adds a handle to the open ones.
func (h *Modules) opened(k *key) {
	k.place = len(h.open)
	h.open = append(h.open, k)
	if h.openAt != nil {
		h.countOpen(k, 1)
	}
}

// closed takes a handle away from the open ones.
func (h *Modules) closed(k *key) {
	if h.openAt != nil {
		h.countOpen(k, -1)
	}
	h.open[k.place] = nil
	n := len(h.open)
	for n > 0 && h.open[n-1] == nil {
		n--
	}
	if h.open = h.open[:n]; n == 0 {
		h.openAt = nil
	}
}

// countOpen counts a handle that was opened or closed.
func (h *Modules) countOpen(k *key, by int) {
	at := dbKey{k.db.Index(), string(k.name)}
	c := h.openAt[at]
	c.handles += by
	if k.write {
		c.writers += by
	}
	if c.handles == 0 {
		delete(h.openAt, at)
		return
	}
	h.openAt[at] = c
}

// conflicts reports whether a key is open already where one of the two writes.
func (h *Modules) conflicts(db *keyspace.DB, name []byte, write bool) bool {
	if len(h.open) <= manyOpen {
		for _, o := range h.open {
			if o != nil && (write || o.write) && o.db == db && string(o.name) == string(name) {
				return true
			}
		}
		return false
	}
	if h.openAt == nil {
		h.openAt = make(map[dbKey]openCount, 4*manyOpen)
		for _, o := range h.open {
			if o != nil {
				h.countOpen(o, 1)
			}
		}
	}
	c := h.openAt[dbKey{db.Index(), string(name)}]
	return c.writers > 0 || write && c.handles > 0
}
