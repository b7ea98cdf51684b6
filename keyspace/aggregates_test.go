package keyspace

import (
	"math"
	"slices"

	"pgregory.net/rapid"
)

// aggregate runs one operation on a key of type typ; other types must be refused with ErrWrongType.
func (w *world) aggregate(typ Type, run func(d *DB, key []byte) (any, error), model func(v *mval, k id) (any, []id)) {
	k := w.keyOf(typ)
	w.step(typ.String(), func() any {
		r, err := run(w.s.DB(k.db), []byte(k.key))
		if err != nil {
			return err
		}
		return r
	}, func() (any, []id) {
		v := w.get(k.db, k.key)
		if v != nil && v.typ != typ {
			return ErrWrongType, nil
		}
		if v == nil {
			v = &mval{typ: typ}
		}
		return model(v, k)
	})
}

func (w *world) end() End { return End(rapid.IntRange(0, 1).Draw(w.t, "end")) }

func (w *world) opPush() {
	end, val := w.end(), w.elem("val")
	w.aggregate(TypeList, func(d *DB, key []byte) (any, error) {
		l, err := d.List(key)
		if err == nil {
			l.Push(end, []byte(val))
			return l.Len(), nil
		}
		return nil, err
	}, func(_ *mval, k id) (any, []id) {
		v := w.write(k, TypeList)
		if end == Head {
			v.list = slices.Insert(v.list, 0, val)
		} else {
			v.list = append(v.list, val)
		}
		return len(v.list), []id{k}
	})
}

func (w *world) opPop() {
	end := w.end()
	w.aggregate(TypeList, func(d *DB, key []byte) (any, error) {
		l, err := d.List(key)
		if err != nil {
			return nil, err
		}
		b, ok := l.Pop(end, []byte("+"))
		return []any{string(b), ok, l.Exists()}, nil
	}, func(v *mval, k id) (any, []id) {
		n := len(v.list)
		if n == 0 {
			return []any{"+", false, false}, nil
		}
		var val string
		if end == Head {
			val, v.list = v.list[0], v.list[1:]
		} else {
			val, v.list = v.list[n-1], v.list[:n-1]
		}
		return []any{"+" + val, true, n > 1}, w.done(k)
	})
}

// normal is an index from the head, or -1.
func normal(i, n int) int {
	if i < 0 {
		i += n
	}
	if i < 0 || i >= n {
		return -1
	}
	return i
}

func (w *world) opListSet() {
	i, val := rapid.IntRange(-8, 8).Draw(w.t, "i"), w.elem("val")
	w.aggregate(TypeList, func(d *DB, key []byte) (any, error) {
		l, err := d.List(key)
		if err != nil {
			return nil, err
		}
		old, _ := l.At(i)
		was := text(old)
		var rest []string
		for it := l.Iter(i, i%2 == 0); it.Next(); {
			rest = append(rest, text(it.Value()))
		}
		return []any{was, rest, l.Set(i, []byte(val)), l.IndexOf([]byte(val)) >= 0}, nil
	}, func(v *mval, k id) (any, []id) {
		at := normal(i, len(v.list))
		if at < 0 {
			return []any{text(Value{}), []string(nil), false, slices.Contains(v.list, val)}, nil
		}
		was, rest := v.list[at], slices.Clone(v.list[at:])
		if i%2 == 0 {
			rest = slices.Clone(v.list[:at+1])
			slices.Reverse(rest)
		}
		v.list[at] = val
		return []any{was, rest, true, true}, []id{k}
	})
}

func (w *world) opInsert() {
	i, val, pivot := rapid.IntRange(0, 9).Draw(w.t, "i"), w.elem("val"), w.elem("pivot")
	byPivot, before := rapid.Bool().Draw(w.t, "pivot"), rapid.Bool().Draw(w.t, "before")
	w.aggregate(TypeList, func(d *DB, key []byte) (any, error) {
		l, err := d.List(key)
		if err != nil {
			return nil, err
		}
		if byPivot {
			return []any{l.IndexOf([]byte(pivot)), l.InsertPivot(before, []byte(pivot), []byte(val))}, nil
		}
		l.Insert(min(i, l.Len()), []byte(val))
		return nil, nil
	}, func(v *mval, k id) (any, []id) {
		if !byPivot {
			v = w.write(k, TypeList)
			v.list = slices.Insert(v.list, min(i, len(v.list)), val)
			return nil, []id{k}
		}
		at := slices.Index(v.list, pivot)
		if at < 0 {
			return []any{-1, false}, nil
		}
		to := at
		if !before {
			to++
		}
		v.list = slices.Insert(v.list, to, val)
		return []any{at, true}, []id{k}
	})
}

func (w *world) opListDelete() {
	how, n := rapid.IntRange(0, 2).Draw(w.t, "how"), rapid.IntRange(-4, 6).Draw(w.t, "n")
	start, stop, val := rapid.IntRange(0, 5).Draw(w.t, "start"), rapid.IntRange(-1, 12).Draw(w.t, "stop"), w.elem("val")
	w.aggregate(TypeList, func(d *DB, key []byte) (any, error) {
		l, err := d.List(key)
		if err != nil {
			return nil, err
		}
		switch how {
		case 0:
			return l.DeleteAt(n), nil
		case 1:
			return l.Remove(n, []byte(val)), nil
		}
		l.Trim(start, stop)
		return nil, nil
	}, func(v *mval, k id) (any, []id) {
		switch how {
		case 0:
			at := normal(n, len(v.list))
			if at < 0 {
				return false, nil
			}
			v.list = slices.Delete(v.list, at, at+1)
			return true, w.done(k)
		case 1:
			removed := removeModel(v, n, val)
			if removed == 0 {
				return 0, nil
			}
			return removed, w.done(k)
		}
		if len(v.list) == 0 || start == 0 && stop >= len(v.list)-1 {
			return nil, nil
		}
		lo, hi := min(start, len(v.list)), min(stop+1, len(v.list))
		v.list = slices.Clone(v.list[lo:max(lo, hi)])
		return nil, w.done(k)
	})
}

func removeModel(v *mval, count int, val string) int {
	if count < 0 {
		slices.Reverse(v.list)
		defer func() { slices.Reverse(v.list) }()
	}
	left := max(count, -count)
	if count == 0 {
		left = len(v.list)
	}
	removed := 0
	v.list = slices.DeleteFunc(v.list, func(e string) bool {
		if e != val || removed == left {
			return false
		}
		removed++
		return true
	})
	return removed
}

func (w *world) opHashSet() {
	field, val := w.elem("field"), w.elem("val")
	w.aggregate(TypeHash, func(d *DB, key []byte) (any, error) {
		h, err := d.Hash(key)
		if err != nil {
			return nil, err
		}
		return h.Set([]byte(field), []byte(val)), nil
	}, func(_ *mval, k id) (any, []id) {
		v := w.write(k, TypeHash)
		_, had := v.hash[field]
		v.hash[field] = val
		return !had, []id{k}
	})
}

func (w *world) opHashDelete() {
	field := w.elem("field")
	w.aggregate(TypeHash, func(d *DB, key []byte) (any, error) {
		h, err := d.Hash(key)
		if err != nil {
			return nil, err
		}
		seen := map[string]bool{}
		for c := uint64(0); ; {
			if c = h.Scan(c, func(f, _ Value) { seen[text(f)] = true }); c == 0 {
				break
			}
		}
		if h.Exists() {
			f, v := h.Random(w.rand)
			if got, ok := h.Get([]byte(text(f))); !ok || text(got) != text(v) {
				w.t.Fatalf("random field %q", text(f))
			}
		}
		return []any{len(seen), h.Delete([]byte(field)), h.Len()}, nil
	}, func(v *mval, k id) (any, []id) {
		n := len(v.hash)
		if _, had := v.hash[field]; !had {
			return []any{n, false, n}, nil
		}
		delete(v.hash, field)
		return []any{n, true, n - 1}, w.done(k)
	})
}

func (w *world) opAdd() {
	m := w.elem("member")
	w.aggregate(TypeSet, func(d *DB, key []byte) (any, error) {
		s, err := d.Set(key)
		if err != nil {
			return nil, err
		}
		return s.Add([]byte(m)), nil
	}, func(v *mval, k id) (any, []id) {
		if _, had := v.hash[m]; had {
			return false, nil
		}
		w.write(k, TypeSet).hash[m] = ""
		return true, []id{k}
	})
}

func (w *world) opRemove() {
	m := w.elem("member")
	w.aggregate(TypeSet, func(d *DB, key []byte) (any, error) {
		s, err := d.Set(key)
		if err != nil {
			return nil, err
		}
		seen := map[string]bool{}
		for c := uint64(0); ; {
			if c = s.Scan(c, func(m Value) { seen[text(m)] = true }); c == 0 {
				break
			}
		}
		if s.Exists() && !s.Has([]byte(text(s.Random(w.rand)))) {
			w.t.Fatalf("random member is none")
		}
		return []any{len(seen), s.Remove([]byte(m)), s.Len()}, nil
	}, func(v *mval, k id) (any, []id) {
		n := len(v.hash)
		if _, had := v.hash[m]; !had {
			return []any{n, false, n}, nil
		}
		delete(v.hash, m)
		return []any{n, true, n - 1}, w.done(k)
	})
}

var scores = []float64{
	0, math.Copysign(0, -1), 1, -1, 2, 3, 0.5, 3.14, -2.5, 1e17, 1 << 62, 1e300, 5e-324, math.Inf(1), math.Inf(-1),
}

func (w *world) score(label string) float64 { return rapid.SampledFrom(scores).Draw(w.t, label) }

func (w *world) opZAdd() {
	m, score := w.elem("member"), w.score("score")
	f := rapid.SampledFrom([]ZFlags{0, 0, 0, ZNX, ZXX, ZGT, ZLT, ZXX | ZGT, ZIncr, ZIncr | ZNX, ZIncr | ZGT, ZIncr | ZXX | ZLT}).Draw(w.t, "flags")
	w.aggregate(TypeZSet, func(d *DB, key []byte) (any, error) {
		z, err := d.ZSet(key)
		if err != nil {
			return nil, err
		}
		r, now, err := z.Add(score, []byte(m), f)
		return []any{r, now + 0, err}, nil
	}, func(v *mval, k id) (any, []id) {
		old, had := v.zset[m]
		now := score
		switch {
		case !had && f&ZXX != 0, had && f&ZNX != 0:
			return []any{ZNop, old, nil}, nil
		case !had:
			w.write(k, TypeZSet).zset[m] = score + 0
			return []any{ZAdded, score + 0, nil}, []id{k}
		}
		if f&ZIncr != 0 {
			if now += old; math.IsNaN(now) {
				return []any{ZFlags(0), 0.0, ErrNaN}, nil
			}
		}
		if f&ZGT != 0 && now <= old || f&ZLT != 0 && now >= old {
			return []any{ZNop, old, nil}, nil
		}
		if now == old {
			return []any{ZFlags(0), now + 0, nil}, nil
		}
		v.zset[m] = now + 0
		return []any{ZUpdated, now + 0, nil}, []id{k}
	})
}

func (w *world) opZRem() {
	m := w.elem("member")
	w.aggregate(TypeZSet, func(d *DB, key []byte) (any, error) {
		z, err := d.ZSet(key)
		if err != nil {
			return nil, err
		}
		seen := map[string]bool{}
		for c := uint64(0); ; {
			if c = z.Scan(c, func(m Value, _ float64) { seen[text(m)] = true }); c == 0 {
				break
			}
		}
		if z.Exists() {
			r, score := z.Random(w.rand)
			if got, ok := z.Score([]byte(text(r))); !ok || got != score {
				w.t.Fatalf("random member %q has score %v, not %v", text(r), got, score)
			}
		}
		return []any{len(seen), z.Remove([]byte(m)), z.Len()}, nil
	}, func(v *mval, k id) (any, []id) {
		n := len(v.zset)
		if _, had := v.zset[m]; !had {
			return []any{n, false, n}, nil
		}
		delete(v.zset, m)
		return []any{n, true, n - 1}, w.done(k)
	})
}

func (w *world) opZPop() {
	end, n := w.end(), rapid.IntRange(1, 6).Draw(w.t, "n")
	w.aggregate(TypeZSet, func(d *DB, key []byte) (any, error) {
		z, err := d.ZSet(key)
		if err != nil {
			return nil, err
		}
		n := min(n, z.Len())
		if n > 0 {
			z.RemoveEnd(end, n)
		}
		return []any{n, z.Len(), z.Exists()}, nil
	}, func(v *mval, k id) (any, []id) {
		all := v.sorted()
		n := min(n, len(all))
		if n == 0 {
			return []any{0, 0, false}, nil
		}
		if end == Tail {
			slices.Reverse(all)
		}
		for _, p := range all[:n] {
			delete(v.zset, p.member)
		}
		return []any{n, len(all) - n, n < len(all)}, w.done(k)
	})
}

// opRanges compares ranges by score and by rank with a filter over the sorted members.
func (w *world) opRanges() {
	r := ScoreRange{Min: w.score("min"), Max: w.score("max"), MinEx: rapid.Bool().Draw(w.t, "minex"), MaxEx: rapid.Bool().Draw(w.t, "maxex")}
	start, stop := rapid.IntRange(-2, 6).Draw(w.t, "start"), rapid.IntRange(-2, 9).Draw(w.t, "stop")
	reverse := rapid.Bool().Draw(w.t, "reverse")
	w.aggregate(TypeZSet, func(d *DB, key []byte) (any, error) {
		z, err := d.ZSet(key)
		if err != nil {
			return nil, err
		}
		return []any{pairs(z.ScoreRange(r, reverse)), z.CountScore(r), pairs(z.RankRange(start, stop, reverse))}, nil
	}, func(v *mval, _ id) (any, []id) {
		all := v.sorted()
		if reverse {
			slices.Reverse(all)
		}
		var in []pair
		for _, p := range all {
			if (p.score > r.Min || p.score == r.Min && !r.MinEx) && (p.score < r.Max || p.score == r.Max && !r.MaxEx) {
				in = append(in, p)
			}
		}
		lo, hi := max(start, 0), min(stop+1, len(all))
		var ranked []pair
		if lo < hi {
			ranked = all[lo:hi]
		}
		return []any{in, len(in), ranked}, nil
	})
}
