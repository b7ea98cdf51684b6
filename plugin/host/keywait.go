package host

import (
	"container/list"

	"datastore/keyspace"
	"datastore/plugin"
)

// dbKey is a key of a database.
type dbKey struct {
	db   int
	name string
}

// keyWait is a key that clients wait for, in the order in which they blocked, and what has happened to it since they were
// tried last.
type keyWait struct {
	at      dbKey
	clients list.List // of *blocked
	deletes int       // clients with UnblockDeleted

	news keyNews
}

// keyNews is what has happened to a key.
type keyNews struct {
	noted    bool // in waits.ready
	signaled bool
	created  bool // it did not exist before one of its changes
	existed  bool // it did before the first one, with a value of type before
	before   keyspace.Type
}

// keyLink is the place of a client among those that wait for a key.
type keyLink struct {
	at   dbKey
	wait *keyWait
	elem *list.Element // nil for none
}

// enlist puts a client that begins to wait behind those that wait for its keys already.
func (b *blocked) enlist() {
	w := &b.host.waits
	for i := range b.links {
		l := &b.links[i]
		k := w.keys[l.at]
		if k == nil {
			if w.keys == nil {
				w.keys = map[dbKey]*keyWait{}
			}
			k = &keyWait{at: l.at}
			w.keys[l.at] = k
		}
		if last := k.clients.Back(); last != nil && last.Value == b {
			continue // the same key twice
		}
		l.wait, l.elem = k, k.clients.PushBack(b)
		if b.flags&plugin.UnblockDeleted != 0 {
			k.deletes++
		}
	}
	if len(b.links) > 0 {
		b.host.server.ObserveKeys(true)
	}
}

// delist takes a client away from its keys.
func (b *blocked) delist() {
	w := &b.host.waits
	for i := range b.links {
		l := &b.links[i]
		if l.elem == nil {
			continue
		}
		l.wait.clients.Remove(l.elem)
		l.elem = nil
		if b.flags&plugin.UnblockDeleted != 0 {
			l.wait.deletes--
		}
		if l.wait.clients.Len() == 0 {
			delete(w.keys, l.at)
		}
	}
	if len(b.links) > 0 && len(w.keys) == 0 {
		b.host.server.ObserveKeys(false)
	}
}

// KeyChanging is told by the server, while ObserveKeys is on, a key that is about to change.
func (h *Modules) KeyChanging(db int, key []byte) {
	k := h.waits.keys[dbKey{db, string(key)}]
	if k == nil {
		return
	}
	switch d, n := h.server.Context().Store.DB(db), &k.news; {
	case !d.Exists(key):
		n.created = true
	case !n.existed && !n.created:
		n.existed, n.before = true, d.Type(key)
	}
	h.note(k)
}

// SignalKeyAsReady implements plugin.Blocking.
func (f *frame) SignalKeyAsReady(name plugin.String) {
	if f.use != inUse {
		return
	}
	if k := f.host.waits.keys[dbKey{f.db.Index(), string(name.Bytes())}]; k != nil {
		k.news.signaled = true
		f.host.note(k)
	}
}

// note has the clients of a key tried at the end of the unit.
func (h *Modules) note(k *keyWait) {
	if !k.news.noted {
		k.news.noted = true
		h.waits.ready = append(h.waits.ready, k)
		h.server.BlockedDue()
	}
}

// trial is what has happened to a key that clients are being tried for.
type trial struct {
	k          *keyWait
	exists     bool
	came, went bool
	rest       []*blocked // to be tried in the next turn
}

// try tries the clients that wait for a key, in turn, as long as it is ready for them.
func (h *Modules) try(k *keyWait) {
	news, t := k.news, trial{k: k}
	k.news = keyNews{}
	h.server.Unit(func() {
		db, name := h.server.Context().Store.DB(k.at.db), []byte(k.at.name)
		t.exists = db.Exists(name)
		changed := news.existed && t.exists && db.Type(name) != news.before
		t.came = news.signaled || news.created || changed
		t.went = news.existed && (!t.exists || news.created || changed)
	})
	for e := k.clients.Front(); e != nil; {
		if h.waits.left <= 0 {
			for ; e != nil; e = e.Next() {
				t.rest = append(t.rest, e.Value.(*blocked))
			}
			h.waits.trials = append(h.waits.trials, t)
			return
		}
		b := e.Value.(*blocked)
		e = e.Next()
		if !h.tryOne(&t, b) {
			return
		}
	}
}

// goOn continues a trial in a later turn. Those of its clients that do not wait any more are passed over.
func (h *Modules) goOn(t trial) {
	h.look(&t)
	for ; len(t.rest) > 0; t.rest = t.rest[1:] {
		if h.waits.left <= 0 {
			h.waits.trials = append(h.waits.trials, t)
			return
		}
		if !h.tryOne(&t, t.rest[0]) {
			return
		}
	}
}

// tryOne lets a client try a key that is ready for it. It reports whether the key may be ready for others.
func (h *Modules) tryOne(t *trial, b *blocked) (more bool) {
	deletes := b.flags&plugin.UnblockDeleted != 0
	switch {
	case !b.waiting || b.late || !b.live():
		return true
	case t.exists && t.came, deletes && t.went:
	default:
		return t.k.deletes > 0
	}
	h.waits.left--
	h.answer(b, phaseReply, b.o.Reply, []byte(t.k.at.name))
	h.look(t)
	return true
}

// look tells a trial whether its key exists.
func (h *Modules) look(t *trial) {
	h.server.Unit(func() {
		t.exists = h.server.Context().Store.DB(t.k.at.db).Exists([]byte(t.k.at.name))
	})
}
