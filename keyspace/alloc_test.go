package keyspace

import (
	"bytes"
	"fmt"
	"testing"
)

// The hot path allocates nothing on the Go heap.
func TestNoAllocations(t *testing.T) {
	s, d := newTestDB(t)
	key, other, val, buf := []byte("key"), []byte("other"), []byte("a value of 26 small letters"), make([]byte, 0, 64)
	number := []byte("int")
	d.SetStr(key, val)
	d.SetStr(number, []byte("5"))
	small, big := Limits{HashEntries: 100, HashValueBytes: 64, ZSetEntries: 100, ZSetValueBytes: 64, IntsetEntries: 100, ListNode: -2, StringBytes: 1 << 20}, Limits{ListNode: 3}
	ops := map[string]func(){
		"SetStr":   func() { d.SetStr(key, val) },
		"AddInt":   func() { _, _ = d.AddInt(number, 1) },
		"Str":      func() { _, _, _ = d.Str(key) },
		"Lookup":   func() { _ = d.Lookup(key).Len() },
		"SetRange": func() { _, _ = d.SetRange(key, 3, val[:1]) },
		"new key":  func() { d.SetStr(other, val); d.Delete(other) },
		"Scan":     func() { d.Scan(0, func(Entry) {}) },
	}
	for _, l := range []struct {
		name   string
		limits Limits
	}{{"packed", small}, {"big", big}} {
		s.SetLimits(l.limits)
		addOps(t, d, l.name, buf, ops)
		for name, op := range ops {
			op()
			if got := testing.AllocsPerRun(200, op); got != 0 {
				t.Errorf("%s: %v allocations", name, got)
			}
		}
		clear(ops)
	}
}

// addOps fills one aggregate of each type and adds operations on it.
func addOps(t *testing.T, d *DB, name string, buf []byte, ops map[string]func()) {
	k := func(s string) []byte { return []byte(name + s) }
	l, _ := d.List(k("l"))
	h, _ := d.Hash(k("h"))
	st, _ := d.Set(k("s"))
	z, _ := d.ZSet(k("z"))
	for i := range 50 {
		m := fmt.Append(nil, i*1000)
		l.Push(Tail, m)
		h.Set(m, m)
		st.Add(m)
		_, _, _ = z.Add(float64(i), m, 0)
	}
	m, missing, score, seen := []byte("7000"), []byte("77"), 0.5, 0
	lk, hk, sk, zk := k("l"), k("h"), k("s"), k("z")
	for what, op := range map[string]func(){
		"push and pop": func() {
			l, _ := d.List(lk)
			for range 10 {
				l.Push(Head, m)
			}
			for range 10 {
				_, _ = l.Pop(Tail, buf)
			}
		},
		"At":       func() { l, _ := d.List(lk); _, _ = l.At(25) },
		"hash set": func() { h, _ := d.Hash(hk); h.Set(m, m) },
		"hash get": func() { h, _ := d.Hash(hk); _, _ = h.Get(m) },
		"new field": func() {
			h, _ := d.Hash(hk)
			h.Set(missing, m)
			h.Delete(missing)
		},
		"set add":    func() { s, _ := d.Set(sk); s.Add(m); s.Has(missing) },
		"new member": func() { s, _ := d.Set(sk); s.Add(missing); s.Remove(missing) },
		"zset add":   func() { z, _ := d.ZSet(zk); score++; _, _, _ = z.Add(score, m, 0) },
		"zset rank":  func() { z, _ := d.ZSet(zk); _, _, _ = z.Rank(m) },
		"zset new":   func() { z, _ := d.ZSet(zk); _, _, _ = z.Add(3.5, missing, 0); z.Remove(missing) },
		"list walk": func() {
			l, _ := d.List(lk)
			for it := l.Iter(0, false); it.Next(); {
				seen += it.Value().Len()
			}
		},
		"hash walk": func() {
			h, _ := d.Hash(hk)
			for it := h.Iter(); it.Next(); {
				seen += it.Field().Len() + it.Value().Len()
			}
		},
		"set walk": func() {
			s, _ := d.Set(sk)
			for it := s.Iter(); it.Next(); {
				seen += it.Value().Len()
			}
		},
		"ranges": func() {
			z, _ := d.ZSet(zk)
			seen += count(z.RankRange(0, -1, true)) + count(z.ScoreRange(ScoreRange{Min: 3, Max: 30}, false)) +
				z.CountScore(ScoreRange{Min: 3, Max: 30}) + count(z.LexRange(LexRange{LexBound{Inf: -1}, LexBound{Key: m}}, true))
		},
	} {
		ops[name+" "+what] = op
	}
	if !bytes.Equal(lk, k("l")) {
		t.Fatal("keys changed")
	}
}
