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

// try tries the clients that wait for a key, in turn, as long as it is ready for them.
func (h *Modules) try(k *keyWait) {
	news := k.news
	k.news = keyNews{}
	db, name := h.server.Context().Store.DB(k.at.db), []byte(k.at.name)
	exists, came, went := false, false, false
	h.server.Unit(func() {
		exists = db.Exists(name)
		changed := news.existed && exists && db.Type(name) != news.before
		came = news.signaled || news.created || changed
		went = news.existed && (!exists || news.created || changed)
	})
	for e := k.clients.Front(); e != nil; {
		b := e.Value.(*blocked)
		e = e.Next()
		deletes := b.flags&plugin.UnblockDeleted != 0
		switch {
		case !b.waiting || b.late || !b.live():
			continue
		case exists && came, deletes && went:
		case k.deletes == 0:
			return
		default:
			continue
		}
		h.answer(b, phaseReply, b.o.Reply, name)
		h.server.Unit(func() { exists = db.Exists(name) })
	}
}
