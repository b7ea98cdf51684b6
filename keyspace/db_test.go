package keyspace

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// A full iteration emits every key that stays, though others are written, deleted and expire meanwhile and the table
// grows and shrinks.
func TestScanGuarantee(t *testing.T) {
	s, d := newTestDB(t)
	rnd := rand.New(rand.NewPCG(3, 4))
	now := int64(1_000_000)
	for round := range 10 {
		for i := range 500 {
			d.SetStr(fmt.Append(nil, "stay", i), nil)
		}
		seen := map[string]bool{}
		for cursor := uint64(0); ; {
			cursor = d.Scan(cursor, func(e Entry) { seen[string(e.Key())] = true })
			if cursor == 0 {
				break
			}
			for range rnd.IntN(60) {
				key := fmt.Append(nil, "go", rnd.IntN(8000))
				switch {
				case round%2 == 0 && rnd.IntN(3) > 0, round%2 == 1 && rnd.IntN(9) == 0:
					d.SetStrExpire(key, nil, now+rnd.Int64N(50))
				default:
					d.Delete(key)
				}
			}
			now += rnd.Int64N(3)
			s.BeginUnit(now, ExpireDelete)
		}
		for i := range 500 {
			if k := fmt.Sprint("stay", i); !seen[k] {
				t.Fatalf("round %d: %s was not emitted", round, k)
			}
		}
		if round == 5 {
			d.Flush()
		}
	}
}

// The elements of a large aggregate have the same guarantee.
func TestScanOfElements(t *testing.T) {
	_, d := newTestDB(t)
	rnd := rand.New(rand.NewPCG(3, 4))
	st, _ := d.Set([]byte("s"))
	h, _ := d.Hash([]byte("h"))
	z, _ := d.ZSet([]byte("z"))
	put := func(m []byte) { st.Add(m); h.Set(m, m); _, _, _ = z.Add(rnd.Float64(), m, 0) }
	for i := range 300 {
		put(fmt.Append(nil, "stay", i))
	}
	scans := []func(uint64, func(Value)) uint64{
		st.Scan,
		func(c uint64, f func(Value)) uint64 { return h.Scan(c, func(k, _ Value) { f(k) }) },
		func(c uint64, f func(Value)) uint64 { return z.Scan(c, func(m Value, _ float64) { f(m) }) },
	}
	for i, scan := range scans {
		seen := map[string]bool{}
		for cursor := uint64(0); ; {
			if cursor = scan(cursor, func(v Value) { seen[text(v)] = true }); cursor == 0 {
				break
			}
			for range rnd.IntN(200) {
				m := fmt.Append(nil, "go", rnd.IntN(5000))
				if rnd.IntN(3) > 0 {
					put(m)
				} else {
					st.Remove(m)
					h.Delete(m)
					z.Remove(m)
				}
			}
		}
		for j := range 300 {
			if m := fmt.Sprint("stay", j); !seen[m] {
				t.Fatalf("scan %d: %s was not emitted", i, m)
			}
		}
	}
}

// fair fails when draws from n equally likely things are too uneven: chi squared beyond five standard deviations.
func fair(t *testing.T, what string, n, draws int, draw func() string) {
	t.Helper()
	counts := map[string]int{}
	for range draws {
		counts[draw()]++
	}
	chi, want := 0.0, float64(draws)/float64(n)
	for _, c := range counts {
		chi += (float64(c) - want) * (float64(c) - want) / want
	}
	chi += float64(n-len(counts)) * want
	if limit := float64(n-1) + 5*math.Sqrt(2*float64(n-1)); chi > limit || len(counts) > n {
		t.Errorf("%s: chi squared %.0f of at most %.0f, %d of %d drawn", what, chi, limit, len(counts), n)
	}
}

// Random keys, fields and members of every encoding are drawn evenly.
func TestRandomIsFair(t *testing.T) {
	for _, n := range []int{5, 100, 700} {
		s, d := newTestDB(t)
		src := rand.New(rand.NewPCG(uint64(n), 7))
		rnd := func(n uint64) uint64 { return src.Uint64N(n) }
		st, _ := d.Set([]byte("s"))
		h, _ := d.Hash([]byte("h"))
		z, _ := d.ZSet([]byte("z"))
		for i := range n {
			m := fmt.Append(nil, i)
			st.Add(m)
			h.Set(m, m)
			_, _, _ = z.Add(float64(i), m, 0)
			s.DB(1).SetStr(m, m)
			if i%2 == 0 {
				s.DB(1).SetExpire(m, 2_000_000)
			}
		}
		fair(t, "set", n, n*200, func() string { return text(st.Random(rnd)) })
		fair(t, "hash", n, n*200, func() string { f, _ := h.Random(rnd); return text(f) })
		fair(t, "zset", n, n*200, func() string { m, _ := z.Random(rnd); return text(m) })
		fair(t, "key", n, n*200, func() string { return string(s.DB(1).RandomKey(rnd).Key()) })
	}
}

// RandomKey passes dead keys over, deletes them on a primary, and ends on a replica where all are dead.
func TestRandomKeyOfDeadKeys(t *testing.T) {
	s, d := newTestDB(t)
	src := rand.New(rand.NewPCG(1, 7))
	for i := range 20 {
		d.SetStrExpire(fmt.Append(nil, i), nil, 1_000_010)
	}
	s.BeginUnit(1_000_020, ExpireHide)
	if !d.RandomKey(src.Uint64N).Exists() || d.Len() != 20 {
		t.Error("a replica must give up and keep its keys")
	}
	d.SetStr([]byte("live"), nil)
	s.BeginUnit(1_000_020, ExpireDelete)
	if got := d.RandomKey(src.Uint64N).Key(); string(got) != "live" {
		t.Errorf("drew %q", got)
	}
	for d.SetExpire([]byte("live"), 0); d.Len() > 0; {
		if d.RandomKey(src.Uint64N).Exists() {
			t.Fatal("drew a dead key")
		}
	}
}

// A key is there up to the very millisecond of its expiry, as in Redis; afterwards each mode does its part.
func TestExpiryModes(t *testing.T) {
	s, d := newTestDB(t)
	k := []byte("k")
	var told []string
	s.OnExpired(func(db int, key []byte) {
		told = append(told, fmt.Sprintf("%d %s %v", db, key, d.Peek(key).Exists()))
	})
	d.SetStrExpire(k, nil, 1_000_500)
	for _, c := range []struct {
		now    int64
		mode   ExpiryMode
		exists bool
		left   int
	}{
		{1_000_499, ExpireDelete, true, 1}, {1_000_500, ExpireDelete, true, 1}, {1_000_501, ExpireHide, false, 1},
		{1_000_501, ExpireIgnore, true, 1}, {1_000_501, ExpireDelete, false, 0},
	} {
		s.BeginUnit(c.now, c.mode)
		if got := d.Exists(k); got != c.exists || d.Len() != c.left || d.Expires() != c.left || s.NowMs() != c.now {
			t.Errorf("%+v: exists %v, Len %d", c, got, d.Len())
		}
	}
	if want := []string{"0 k true"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	if s.Stats().Expired != 1 {
		t.Errorf("counted %d", s.Stats().Expired)
	}
}

// Active expiry deletes what is dead, nothing else, all of it within a round through the keys that expire, whatever happens
// to their table in between; MeanTTL is near the mean.
func TestExpireSome(t *testing.T) {
	s, d := newTestDB(t)
	src := rand.New(rand.NewPCG(1, 7))
	for i := range 1000 {
		d.SetStrExpire(fmt.Append(nil, i), nil, 1_000_000+int64(i%2)*10_000)
	}
	d.SetStr([]byte("forever"), nil)
	s.BeginUnit(1_001_000, ExpireDelete)
	if got := d.MeanTTL(200, src.Uint64N); got != 9000 {
		t.Errorf("mean %d", got)
	}
	for rounds, calls := 0, 0; rounds < 2; calls++ {
		looked, deleted := d.ExpireSome(20)
		if looked > 20+40 || deleted > looked || calls > 1000 {
			t.Fatalf("looked at %d, deleted %d in call %d", looked, deleted, calls)
		}
		if d.expireAt == 0 {
			rounds++
		}
	}
	if d.Len() != 501 || d.Expires() != 500 || s.Stats().Expired != 500 {
		t.Errorf("%d keys, %d with expiry, %d counted", d.Len(), d.Expires(), s.Stats().Expired)
	}
	if got := s.DB(1).MeanTTL(5, src.Uint64N); got != 0 {
		t.Errorf("mean of nothing: %d", got)
	}
}

// Lookups count hits and misses and renew the access clock when they are told to; Peek counts, but leaves the clock alone.
func TestStatsAndAccessClock(t *testing.T) {
	s, d := newTestDB(t)
	k, missing := []byte("k"), []byte("missing")
	d.SetStr(k, []byte("v"))
	s.BeginUnit(1_000_000+90_000, ExpireDelete)
	d.Peek(k)
	if idle := d.Peek(k).IdleSeconds(); idle != 90 || s.Stats() != (Stats{}) {
		t.Errorf("idle %d, %+v", idle, s.Stats())
	}
	s.NoTouch(true)
	s.CountReads(true)
	d.Lookup(k)
	d.Lookup(missing)
	_, _, _ = d.Str(k)
	_, _ = d.Hash(missing)
	if idle := d.Peek(k).IdleSeconds(); idle != 90 || s.Stats() != (Stats{Hits: 3, Misses: 2}) {
		t.Errorf("idle %d, %+v", idle, s.Stats())
	}
	s.NoTouch(false)
	s.CountReads(false)
	d.Lookup(k)
	if idle := d.Peek(k).IdleSeconds(); idle != 0 || s.Stats() != (Stats{Hits: 3, Misses: 2}) {
		t.Errorf("idle %d, %+v", idle, s.Stats())
	}
	s.ResetStats()
	if s.Stats() != (Stats{}) {
		t.Error("not reset")
	}
	e := d.Peek(missing)
	if e.Exists() || e.Key() != nil || e.Type() != TypeNone || e.ExpireAt() != -1 || e.Len() != 0 || e.Digest() != (Digest{}) {
		t.Error("a missing entry has something")
	}
	l, h := e.List(), e.Hash()
	if l.Len() != 0 || h.Len() != 0 || l.Exists() {
		t.Error("a missing entry has elements")
	}
}

// TestPrefetchElements: only large collections have elements to touch, and references that are outdated do no harm.
func TestPrefetchElements(t *testing.T) {
	s, d := newTestDB(t)
	s.SetLimits(Limits{HashEntries: 2, HashValueBytes: 64, ZSetEntries: 2, ZSetValueBytes: 64, IntsetEntries: 2, ListNode: 2, StringBytes: 1 << 20})
	big := map[string]func(i int){
		"hash": func(i int) { h, _ := d.Hash([]byte("hash")); h.Set(strconv.AppendInt(nil, int64(i), 10), []byte("v")) },
		"set":  func(i int) { set, _ := d.Set([]byte("set")); set.Add(strconv.AppendInt(nil, int64(i), 10)) },
		"zset": func(i int) {
			z, _ := d.ZSet([]byte("zset"))
			z.Add(float64(i), strconv.AppendInt(nil, int64(i), 10), 0)
		},
	}
	d.SetStr([]byte("string"), []byte("v"))
	list, _ := d.List([]byte("list"))
	for range 100 {
		list.Push(Tail, []byte("v"))
	}
	refs := []Elements{d.Elements([]byte("string")), d.Elements([]byte("none"))}
	if refs[0] != 0 || refs[1] != 0 {
		t.Errorf("elements of no collection: %d", refs)
	}
	refs = append(refs, d.Elements([]byte("list")), 1<<30)
	for name, add := range big {
		add(0)
		if e := d.Elements([]byte(name)); e != 0 {
			t.Errorf("a packed %s has elements to touch", name)
		}
		for i := range 1000 {
			add(i)
		}
		e := d.Elements([]byte(name))
		if e == 0 || s.PrefetchElement(e, []byte("5")) == 0 {
			t.Errorf("a large %s has no elements to touch", name)
		}
		refs = append(refs, e)
	}
	before := s.Changes()
	touch := func() {
		for _, e := range refs {
			for _, elem := range []string{"", "5", "m5", "none"} {
				s.PrefetchElementRecord(e, s.PrefetchElement(e, []byte(elem)))
			}
		}
	}
	touch()
	if s.Changes() != before {
		t.Error("something changed")
	}
	for name := range big {
		d.Delete([]byte(name))
		touch()
	}
	for s.FreeSome(1000) {
	}
	for s.Purge() {
	}
	touch()
}

// Prefetching changes nothing and needs no key.
func TestPrefetch(t *testing.T) {
	s, d := newTestDB(t)
	if s.Databases() != 16 || s.DB(3).Index() != 3 {
		t.Fatal("databases")
	}
	d.PrefetchRecord(d.Prefetch([]byte("k")))
	d.SetStr([]byte("k"), []byte("v"))
	before := s.Changes()
	d.PrefetchRecord(d.Prefetch([]byte("k")))
	d.Reserve(1000)
	for d.Step(100) {
	}
	wantStr(t, d, []byte("k"), []byte("v"))
	if s.Changes() != before || s.MappedBytes() < s.UsedBytes() {
		t.Error("something changed")
	}
}

// Observers that look at keys see the state before the change, for all keys of a flush and a swap, also dead ones.
func TestObserversMayLook(t *testing.T) {
	s, d := newTestDB(t)
	var seen []string
	s.OnChange(func(db int, key []byte) {
		if e := s.DB(db).Peek(key); e.Exists() {
			seen = append(seen, string(key))
		}
	})
	var want []string
	for i := range 300 {
		d.SetStrExpire(fmt.Append(nil, i), nil, 1_000_000+int64(i%2))
		want = append(want, fmt.Sprint(i))
	}
	s.BeginUnit(1_000_100, ExpireDelete)
	slices.Sort(want)
	seen = nil
	s.SwapDB(0, 1)
	if slices.Sort(seen); !slices.Equal(seen, want) {
		t.Errorf("swap: saw %d of %d", len(seen), len(want))
	}
	seen = nil
	if n := s.FlushAll(); n != 300 {
		t.Errorf("flushed %d", n)
	}
	if slices.Sort(seen); !slices.Equal(seen, want) {
		t.Errorf("flush: saw %d of %d", len(seen), len(want))
	}
}

// Expiry changes what lookups do with a key whose time has come, and Deaths counts those that are deleted.
func TestExpiryOfLookups(t *testing.T) {
	s, d := newTestDB(t)
	key := []byte("k")
	s.BeginUnit(1000, ExpireDelete)
	d.SetStrExpire(key, []byte("v"), 999)
	changes := s.Changes()
	if before := s.Expiry(ExpireHide); before != ExpireDelete || d.Exists(key) || d.Len() != 1 || s.Deaths() != 0 {
		t.Errorf("hidden: mode before %d, %d keys, %d deaths", before, d.Len(), s.Deaths())
	}
	if before := s.Expiry(ExpireIgnore); before != ExpireHide || !d.Exists(key) || d.Len() != 1 {
		t.Errorf("ignored: mode before %d, %d keys", before, d.Len())
	}
	if before := s.Expiry(ExpireDelete); before != ExpireIgnore || d.Exists(key) || d.Len() != 0 {
		t.Errorf("deleted: mode before %d, %d keys", before, d.Len())
	}
	if s.ResetStats(); s.Deaths() != 1 || s.Changes() != changes {
		t.Errorf("%d deaths, %d changes", s.Deaths(), s.Changes()-changes)
	}
}
