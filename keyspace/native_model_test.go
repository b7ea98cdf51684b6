package keyspace

import "pgregory.net/rapid"

// words is the type of the model's native values: texts. It keeps account of which of them live.
type words struct {
	t     *rapid.T
	alive map[*word]bool
}

type word struct {
	text  string
	bytes int64
}

const wordsID = 0x3123456789abcd<<10 | 1

func (w *words) new(text string) *word {
	v := &word{text, int64(len(text))}
	w.alive[v] = true
	return v
}

func (w *words) gone(v any) {
	if !w.alive[v.(*word)] {
		w.t.Fatalf("%q was freed twice", v.(*word).text)
	}
	delete(w.alive, v.(*word))
}

func (w *words) ID() uint64                                 { return wordsID }
func (w *words) Name() string                               { return NativeName(wordsID) }
func (w *words) Bytes(v any) int64                          { return v.(*word).bytes }
func (w *words) Usage(KeyAt, any, int) int64                { return 0 }
func (w *words) Leaving(_ KeyAt, v any) bool                { return len(v.(*word).text)%2 == 0 }
func (w *words) Free(v any, _ bool)                         { w.gone(v) }
func (w *words) Digest(KeyAt, any, *NativeDigest)           {}
func (w *words) Copy(_, _ KeyAt, v any) (any, error)        { return w.new(v.(*word).text), nil }
func (w *words) Load(_ KeyAt, _ int, b []byte) (any, error) { return w.new(string(b)), nil }

// readNative takes the text out of a native value, live or opaque.
func readNative(t fataler, e Entry) string {
	if _, v, ok := e.Native(); ok {
		return v.(*word).text
	}
	id, b, ok := e.Opaque()
	if !ok || id != wordsID {
		t.Fatalf("%q is neither live nor opaque", e.Key())
	}
	return string(b)
}

// opNative runs the operations on native values.
func (w *world) opNative() {
	k := w.keyOf(TypeNative)
	val, expire := w.elem("val"), w.now+rapid.Int64Range(-20, 60).Draw(w.t, "ttl")
	how := rapid.SampledFrom([]func(k id, val string, expire int64) (func() any, func() (any, []id)){
		w.setNative, w.loadOpaque, w.thaw, w.changeNative, w.replaceNative,
	}).Draw(w.t, "how")
	run, model := how(k, val, expire)
	w.step("native", run, model)
}

func (w *world) setNative(k id, val string, _ int64) (func() any, func() (any, []id)) {
	return func() any {
			w.s.DB(k.db).SetNative([]byte(k.key), w.words, w.words.new(val))
			return nil
		}, func() (any, []id) {
			w.dbs[k.db][k.key] = &mval{typ: TypeNative, str: val, expire: -1}
			return nil, []id{k}
		}
}

func (w *world) loadOpaque(k id, val string, expire int64) (func() any, func() (any, []id)) {
	return func() any {
			return w.s.DB(k.db).LoadOpaque([]byte(k.key), wordsID, []byte(val), Meta{ExpireMs: expire})
		}, func() (any, []id) {
			if w.dbs[k.db][k.key] != nil {
				return false, nil
			}
			w.dbs[k.db][k.key] = &mval{typ: TypeNative, str: val, expire: expire}
			return true, []id{k}
		}
}

func (w *world) thaw(k id, _ string, _ int64) (func() any, func() (any, []id)) {
	return func() any {
		_, err := w.s.DB(k.db).Peek([]byte(k.key)).Thaw()
		_, _, opaque := w.s.DB(k.db).Peek([]byte(k.key)).Opaque()
		return results(0, err) != any(result{}) || opaque
	}, func() (any, []id) { return false, nil }
}

func (w *world) changeNative(k id, _ string, _ int64) (func() any, func() (any, []id)) {
	live := false
	return func() any {
			d, bytes := w.s.DB(k.db), int64(0)
			if _, v, ok := d.Peek([]byte(k.key)).Native(); ok {
				live = true
				v.(*word).bytes += 7
				bytes = v.(*word).bytes
			}
			return d.NativeChanged([]byte(k.key), bytes) == live
		}, func() (any, []id) {
			if live {
				return true, []id{k}
			}
			return true, nil
		}
}

func (w *world) replaceNative(k id, val string, _ int64) (func() any, func() (any, []id)) {
	live := false
	return func() any {
			d := w.s.DB(k.db)
			_, was, ok := d.Peek([]byte(k.key)).Native()
			v := w.words.new(val)
			old, replaced := d.ReplaceNative([]byte(k.key), v)
			if live = replaced; live {
				w.words.gone(old)
			} else {
				w.words.gone(v)
			}
			return replaced == ok && old == was
		}, func() (any, []id) {
			if live {
				w.get(k.db, k.key).str = val
				return true, []id{k}
			}
			return true, nil
		}
}
