package keyspace

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"pgregory.net/rapid"

	"datastore/keyspace/slab"
	"datastore/keyspace/table"
)

// mval is a value as the model keeps it; the field of its type is used.
type mval struct {
	typ    Type
	str    string
	list   []string
	hash   map[string]string // fields, or members with ""
	zset   map[string]float64
	expire int64
}

func (v *mval) clone() *mval {
	c := *v
	c.list, c.hash, c.zset = slices.Clone(v.list), maps.Clone(v.hash), maps.Clone(v.zset)
	return &c
}

func (v *mval) len() int {
	switch v.typ {
	case TypeString:
		return len(v.str)
	case TypeList:
		return len(v.list)
	case TypeZSet:
		return len(v.zset)
	}
	return len(v.hash)
}

type pair struct {
	member string
	score  float64
}

// sorted returns the members in a sorted set's order.
func (v *mval) sorted() []pair {
	var p []pair
	for m, s := range v.zset {
		p = append(p, pair{m, s + 0})
	}
	slices.SortFunc(p, func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.member, b.member))
	})
	return p
}

// dump writes a value as text; two values are equal when their dumps are.
func (v *mval) dump() string {
	if v == nil {
		return "none"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s@%d:", v.typ, v.expire)
	switch v.typ {
	case TypeString, TypeNative:
		fmt.Fprintf(&b, "%q", v.str)
	case TypeList:
		fmt.Fprintf(&b, "%q", v.list)
	case TypeZSet:
		for _, p := range v.sorted() {
			fmt.Fprintf(&b, "%q=%v ", p.member, p.score)
		}
	default:
		for _, f := range slices.Sorted(maps.Keys(v.hash)) {
			fmt.Fprintf(&b, "%q=%q ", f, v.hash[f])
		}
	}
	return b.String()
}

func text(v Value) string { return string(v.AppendTo(nil)) }

// read takes a value out of the store, every way there is to walk it, and checks what it can about the store itself.
func read(t fataler, e Entry) *mval {
	if !e.Exists() {
		return nil
	}
	v := &mval{typ: e.Type(), expire: e.ExpireAt()}
	switch v.typ {
	case TypeString:
		v.str = text(valueOf(e.Str()).withLen(t))
		return v
	case TypeNative:
		v.str = readNative(t, e)
		return v
	case TypeList:
		v.list = readList(t, e)
	case TypeHash:
		v.hash = map[string]string{}
		h := e.Hash()
		for it := h.Iter(); it.Next(); {
			v.hash[text(it.Field())] = text(it.Value())
		}
		for f, val := range v.hash {
			if got, ok := h.Get([]byte(f)); !ok || text(got) != val || !h.Has([]byte(f)) {
				t.Fatalf("field %q: got %q, %v, want %q", f, text(got), ok, val)
			}
		}
	case TypeSet:
		v.hash = map[string]string{}
		s := e.Set()
		for it := s.Iter(); it.Next(); {
			v.hash[text(it.Value())] = ""
			if !s.Has([]byte(text(it.Value()))) {
				t.Fatalf("member %q is not found", text(it.Value()))
			}
		}
	case TypeZSet:
		v.zset = readZSet(t, e)
	}
	if v.len() == 0 || v.len() != e.Len() {
		t.Fatalf("%s %q walks over %d elements, Len is %d", v.typ, e.Key(), v.len(), e.Len())
	}
	return v
}

type fataler interface{ Fatalf(string, ...any) }

func (v valueOf) withLen(t fataler) Value {
	if n := len(text(Value(v))); n != Value(v).Len() {
		t.Fatalf("length %d of %q", Value(v).Len(), text(Value(v)))
	}
	return Value(v)
}

func readList(t fataler, e Entry) []string {
	var fwd, back []string
	l := e.List()
	for it := l.Iter(0, false); it.Next(); {
		fwd = append(fwd, text(it.Value()))
	}
	for it := l.Iter(-1, true); it.Next(); {
		back = append(back, text(it.Value()))
	}
	slices.Reverse(back)
	if !slices.Equal(fwd, back) {
		t.Fatalf("forwards %q, backwards %q", fwd, back)
	}
	return fwd
}

func readZSet(t fataler, e Entry) map[string]float64 {
	z := e.ZSet()
	n := z.Len()
	fwd, back := pairs(z.RankRange(0, n-1, false)), pairs(z.RankRange(0, n-1, true))
	slices.Reverse(back)
	if !slices.Equal(fwd, back) {
		t.Fatalf("forwards %v, backwards %v", fwd, back)
	}
	out := map[string]float64{}
	for i, p := range fwd {
		out[p.member] = p.score
		rank, score, ok := z.Rank([]byte(p.member))
		if !ok || rank != i || score != p.score {
			t.Fatalf("rank of %q: %d, %v, %v, want %d, %v", p.member, rank, score, ok, i, p.score)
		}
		if i > 0 && (fwd[i-1].score > p.score || fwd[i-1].score == p.score && fwd[i-1].member >= p.member) {
			t.Fatalf("out of order: %v", fwd)
		}
	}
	return out
}

func pairs(it ZIter) []pair {
	var p []pair
	for it.Next() {
		p = append(p, pair{text(it.Member()), it.Score() + 0})
	}
	return p
}

type valueOf Value

// id names a key of a database.
type id struct {
	db  int
	key string
}

// world is a store beside its model. Every step runs in the store first; the model follows and is compared.
type world struct {
	t       *rapid.T
	s       *Store
	dbs     []map[string]*mval // what is physically there
	now     int64
	mode    ExpiryMode
	told    map[id]bool // keys that OnChange was told in this step
	expired map[id]bool // keys that OnExpired was told in this step
	words   *words
}

func newWorld(t *rapid.T) *world {
	w := &world{t: t, s: New(Options{Databases: 2}), now: 1_000_000}
	w.dbs = []map[string]*mval{{}, {}}
	w.words = &words{t: t, alive: map[*word]bool{}}
	w.s.Natives().Add(w.words)
	w.s.BeginUnit(w.now, w.mode)
	w.s.OnChange(func(db int, key []byte) {
		k := id{db, string(key)}
		if w.told[k] {
			return
		}
		w.told[k] = true // the first time, the key must still be as it was
		if got, want := read(w.t, w.s.DB(db).Peek(key)).dump(), w.dbs[db][k.key].dump(); got != want {
			w.t.Fatalf("%v was changed before OnChange was told: %s, want %s", k, got, want)
		}
	})
	w.s.OnExpired(func(db int, key []byte) {
		k := id{db, string(key)}
		if v := w.dbs[db][k.key]; v == nil || !w.dead(v) || w.mode == ExpireIgnore {
			w.t.Fatalf("OnExpired for %v, which has not expired", k)
		}
		w.expired[k] = true
	})
	return w
}

func (w *world) dead(v *mval) bool { return v.expire >= 0 && v.expire < w.now }

// get returns what a lookup must see.
func (w *world) get(db int, key string) *mval {
	v := w.dbs[db][key]
	if v == nil || w.mode != ExpireIgnore && w.dead(v) {
		return nil
	}
	return v
}

// step runs one operation. model applies it to the model and returns its result and the keys that changed.
func (w *world) step(name string, run func() any, model func() (any, []id)) {
	w.told, w.expired = map[id]bool{}, map[id]bool{}
	before := w.s.Changes()
	got := fmt.Sprint(run())
	result, changed := model()
	if want := fmt.Sprint(result); got != want {
		w.t.Fatalf("%s: got %.300s, want %.300s", name, got, want)
	}
	if moved := w.s.Changes() > before; moved != (len(changed) > 0) {
		w.t.Fatalf("%s: Changes moved: %v, changed keys %v", name, moved, changed)
	}
	want := map[id]bool{}
	for _, k := range changed {
		want[k] = true
	}
	for k := range w.expired {
		want[k] = true
		if !slices.Contains(changed, k) {
			delete(w.dbs[k.db], k.key)
		}
	}
	if !maps.Equal(want, w.told) {
		w.t.Fatalf("%s: told %v, want %v", name, w.told, want)
	}
	w.check(name)
}

// check compares everything.
func (w *world) check(name string) {
	w.checkMemory(name)
	for i, model := range w.dbs {
		d := w.s.DB(i)
		live, expires := 0, 0
		for k, v := range model {
			if v.expire >= 0 {
				expires++
			}
			if w.get(i, k) != nil {
				live++
			}
		}
		for e := range d.All() {
			live--
			want := w.get(i, string(e.Key()))
			if got := read(w.t, e).dump(); got != want.dump() {
				w.t.Fatalf("%s: %d/%.20q is %.300s, want %.300s", name, i, e.Key(), got, want.dump())
			}
			w.checkRecord(e)
		}
		if live != 0 || d.Len() != len(model) || d.Expires() != expires {
			w.t.Fatalf("%s: %d live keys too few, Len %d of %d, Expires %d of %d", name, live, d.Len(), len(model), d.Expires(), expires)
		}
	}
}

// checkRecord checks that a record is found by its key, in both tables, and refers to what it should.
func (w *world) checkRecord(e Entry) {
	d := e.DB()
	h := d.keys.Hash(e.Key())
	if d.keys.Find(h, e.Key()) != e.r {
		w.t.Fatalf("%q is not found", e.Key())
	}
	want := slab.Ref(0)
	if table.HasExpire(e.r) {
		want = e.r
	}
	if d.expires.Find(h, e.Key()) != want {
		w.t.Fatalf("%q: expires has not this record", e.Key())
	}
	if encodingOf(e.r) == encObject {
		if o := w.s.objects[objectOf(e.r)]; o == (object{}) {
			w.t.Fatalf("%q refers to a free object", e.Key())
		}
	}
}

// close flushes everything: no byte may be left.
func (w *world) close() {
	w.s.OnChange(nil)
	n := 0
	for _, d := range w.dbs {
		n += len(d)
	}
	if got := w.s.FlushAll(); got != n {
		w.t.Fatalf("FlushAll returned %d, want %d", got, n)
	}
	settle(w.s)
	if len(w.words.alive) > 0 || w.s.OpaqueValues() != 0 {
		w.t.Fatalf("%d native values were not freed, %d opaque ones are counted", len(w.words.alive), w.s.OpaqueValues())
	}
	if b, n := w.s.UsedBytes(), w.s.arena.Blocks(); b != 0 || n != 0 || w.s.heapBytes != 0 {
		w.t.Fatalf("%d bytes in %d blocks have leaked, %d of rings", b, n, w.s.heapBytes)
	}
	w.s.Close()
}

var modelKeys = []string{"a", "b", "c", "7", strings.Repeat("long", 70)}

func (w *world) key(label string) string { return rapid.SampledFrom(modelKeys).Draw(w.t, label) }
func (w *world) db() int                 { return rapid.IntRange(0, 9).Draw(w.t, "db") / 8 }

// keyOf draws a key, more often than not one that holds a value of the type.
func (w *world) keyOf(typ Type) id {
	k := id{w.db(), w.key("key")}
	if rapid.IntRange(0, 3).Draw(w.t, "any") == 0 {
		return k
	}
	for _, key := range sortedKeys(w.dbs[k.db]) {
		if v := w.get(k.db, key); v != nil && v.typ == typ {
			return id{k.db, key}
		}
	}
	return k
}

// size draws a length in bytes, mostly short, else near the sizes where a layout changes.
func (w *world) size() int {
	switch k := rapid.IntRange(0, 99).Draw(w.t, "size"); {
	case k < 80:
		return rapid.IntRange(0, 12).Draw(w.t, "len")
	case k < 92:
		return rapid.IntRange(40, 300).Draw(w.t, "len")
	case k < 97:
		return rapid.SampledFrom([]int{4096, 8100, 8192, 8300, 12200, 12288, 12289, 13000}).Draw(w.t, "len")
	}
	return rapid.SampledFrom([]int{20_000, 65_535, 65_536, 300_000}).Draw(w.t, "len")
}

var texts = []string{
	"0", "1", "a", "", "-0", "-1", "12", "127", "128", "-4097", "32768", "8388608", "2147483648", "9223372036854775807",
	"-9223372036854775808", "9223372036854775808", "01", "1.5", "b", "x", "yy", "zzz", "\x00", "\xff\xff", "inf",
}

// elem draws an element or a string.
func (w *world) elem(label string) string {
	switch k := rapid.IntRange(0, 9).Draw(w.t, label); {
	case k < 4:
		return rapid.SampledFrom(texts[:5]).Draw(w.t, "text")
	case k < 8:
		return rapid.SampledFrom(texts).Draw(w.t, "text")
	}
	return strings.Repeat(rapid.SampledFrom([]string{"p", "q", "5"}).Draw(w.t, "fill"), w.size())
}

// write returns the value of a key for a change by the model, a new one of type typ when it is missing.
func (w *world) write(k id, typ Type) *mval {
	v := w.get(k.db, k.key)
	if v == nil {
		v = &mval{typ: typ, hash: map[string]string{}, zset: map[string]float64{}, expire: -1}
		w.dbs[k.db][k.key] = v
	}
	return v
}

// done removes an aggregate that has become empty and returns the key as the changed one.
func (w *world) done(k id) []id {
	if v := w.dbs[k.db][k.key]; v.typ != TypeString && v.len() == 0 {
		delete(w.dbs[k.db], k.key)
	}
	return []id{k}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
