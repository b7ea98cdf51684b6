package rdb_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"datastore/keyspace"
	"datastore/keyspace/rdb"
)

// pairType is a type of native values for tests. Each is a text; it is saved with a number, a float of either size, and the text.
type pairType struct {
	t      *testing.T
	fail   bool // Save and Load fail
	frees  int
	loaded []string
}

type pair struct{ text string }

// pairID is that of "pairs-_09" in version 513, put together by hand: p is 41, a 26, i 34, r 43, s 44, - 62, _ 63, 0 52, 9 61.
const pairID = 41<<58 | 26<<52 | 34<<46 | 43<<40 | 44<<34 | 62<<28 | 63<<22 | 52<<16 | 61<<10 | 513

func (p *pairType) ID() uint64                                   { return pairID }
func (p *pairType) Name() string                                 { return "pairs-_09" }
func (p *pairType) Bytes(any) int64                              { return 10 }
func (p *pairType) Usage(keyspace.KeyAt, any, int) int64         { return 10 }
func (p *pairType) Copy(_, _ keyspace.KeyAt, v any) (any, error) { return v, nil }
func (p *pairType) Leaving(keyspace.KeyAt, any) bool             { return false }
func (p *pairType) Free(any, bool)                               { p.frees++ }
func (p *pairType) Digest(_ keyspace.KeyAt, v any, d *keyspace.NativeDigest) {
	rdb.DigestModule(d, p.bytes(v))
}

// bytes returns what v is saved as, without compression.
func (p *pairType) bytes(v any) []byte {
	w := rdb.NewWriter(nil, rdb.WriterOptions{})
	p.Save(w, keyspace.KeyAt{}, v)
	w.WriteModuleEnd()
	return w.Bytes()
}

func (p *pairType) Save(w *rdb.Writer, _ keyspace.KeyAt, v any) {
	if p.fail {
		w.Fail(errors.New("told to"))
	}
	w.WriteModuleUint(300)
	w.WriteModuleFloat(1.5)
	w.WriteModuleDouble(-2.25)
	w.WriteModuleString([]byte(v.(*pair).text))
}

func (p *pairType) Load(at keyspace.KeyAt, version int, payload []byte) (any, error) {
	r := rdb.NewBytesReader(payload, rdb.ReaderOptions{})
	if n, f, d := r.ReadModuleUint(), r.ReadModuleFloat(), r.ReadModuleDouble(); r.Err() == nil && (n != 300 || f != 1.5 || d != -2.25) {
		p.t.Errorf("loaded %d, %v, %v", n, f, d)
	}
	text := string(r.ReadModuleString(nil))
	r.ReadModuleEnd()
	p.loaded = append(p.loaded, fmt.Sprintf("%d/%s/%d", at.DB, at.Key, version))
	if p.fail {
		return nil, errors.New("told to")
	}
	return &pair{text}, r.Err()
}

// pairValue is a pair with its id as it stands in a file, put together by hand; the text must be shorter than 64 bytes.
func pairValue(text string) []byte {
	b := binary.BigEndian.AppendUint64([]byte{0x81}, pairID)
	b = append(b, 2, 0x41, 0x2c) // 300 in 14 bits
	b = binary.LittleEndian.AppendUint32(append(b, 3), math.Float32bits(1.5))
	b = binary.LittleEndian.AppendUint64(append(b, 4), math.Float64bits(-2.25))
	return append(append(append(b, 5, byte(len(text))), text...), 0)
}

// newPairs returns a store that knows the type.
func newPairs(t *testing.T) (*keyspace.Store, *pairType) {
	t.Helper()
	s := keyspace.New(keyspace.Options{Natives: keyspace.NewNatives(rdb.DigestModule)})
	s.BeginUnit(nowMs, keyspace.ExpireDelete)
	t.Cleanup(s.Close)
	p := &pairType{t: t}
	s.Natives().Add(p)
	return s, p
}

// TestModuleEncoding compares what is saved with bytes put together by hand, and loads those.
//
// Rules: RDB-1, TYP-2.
func TestModuleEncoding(t *testing.T) {
	s, p := newPairs(t)
	s.DB(0).SetNative([]byte("k"), p, &pair{"some text"})
	want := append(append([]byte("REDIS0010\xfe\x00\xfb\x01\x00\x07\x01k"), pairValue("some text")...), 0xff)
	want = binary.LittleEndian.AppendUint64(want, rdb.Checksum(0, want))
	if file := save(t, s, rdb.SaveOptions{Checksum: true}); !bytes.Equal(file, want) {
		t.Fatalf("saved\n%x, want\n%x", file, want)
	}
	c, p2 := newPairs(t)
	load(t, want, c, rdb.LoadOptions{})
	if _, v, ok := c.DB(0).Peek([]byte("k")).Native(); !ok || v.(*pair).text != "some text" || !slices.Equal(p2.loaded, []string{"0/k/513"}) {
		t.Errorf("loaded %v, %v, by %q", v, ok, p2.loaded)
	}
	if name := keyspace.NativeName(pairID); name != "pairs-_09" {
		t.Errorf("the name in the id is %s", name)
	}
}

// TestUnknownTypesStayAsTheyAre: a value whose type is not known goes from file to file and through DUMP to the byte,
// with the compression it was given by others, and is counted by its type.
//
// Rules: TYP-7.
func TestUnknownTypesStayAsTheyAre(t *testing.T) {
	from, p := newPairs(t)
	long := strings.Repeat("compressible ", 10_000)
	texts := []string{"", "short", "123", long}
	for i, text := range texts {
		from.DB(i).SetNative(fmt.Append(nil, "key", i), p, &pair{text})
		from.DB(i).SetExpire(fmt.Append(nil, "key", i), nowMs+1000)
	}
	for _, compress := range []bool{true, false} {
		file := save(t, from, rdb.SaveOptions{Compress: compress, Checksum: true})
		s := newStore(t, keyspace.Limits{})
		info := load(t, file, s, rdb.LoadOptions{NowMs: nowMs})
		if info.Keys != 4 || info.Opaque[pairID] != 4 || len(info.Opaque) != 1 || s.OpaqueValues() != 4 {
			t.Errorf("%+v, %d opaque values", info, s.OpaqueValues())
		}
		if again := save(t, s, rdb.SaveOptions{Compress: !compress, Checksum: true}); !bytes.Equal(again, file) {
			t.Error("the file has changed")
		}
		back, _ := newPairs(t)
		for i := range texts {
			key := fmt.Append(nil, "key", i)
			payload := dumped(t, s.DB(i).Peek(key))
			if err := rdb.Restore(back.DB(i), key, payload, keyspace.Meta{ExpireMs: nowMs + 1000}); err != nil {
				t.Fatal(err)
			}
			if _, v, _ := back.DB(i).Peek(key).Native(); v.(*pair).text != texts[i] {
				t.Errorf("restored %.20q", v.(*pair).text)
			}
		}
		sameDigest(t, "restored", back.Digest(), from.Digest())
		known := keyspace.New(keyspace.Options{Natives: keyspace.NewNatives(rdb.DigestModule)})
		defer known.Close()
		known.BeginUnit(nowMs, keyspace.ExpireDelete)
		load(t, file, known, rdb.LoadOptions{NowMs: nowMs})
		sameDigest(t, "opaque, whatever the compression", known.Digest(), from.Digest())
		frozen, p3 := newPairs(t)
		if info := load(t, file, frozen, rdb.LoadOptions{NowMs: nowMs, Frozen: true}); info.Opaque[pairID] != 4 || len(p3.loaded) != 0 {
			t.Errorf("frozen: %+v, loaded %q", info, p3.loaded)
		}
	}
}

// TestModuleThatFails: what a module cannot save is an error of the file and of the payload, what it cannot load ends the load,
// and RESTORE leaves what is there.
//
// Rules: RDB-3.
func TestModuleThatFails(t *testing.T) {
	s, p := newPairs(t)
	d := s.DB(0)
	d.SetNative([]byte("k"), p, &pair{"x"})
	good, payload := save(t, s, rdb.SaveOptions{}), dumped(t, d.Peek([]byte("k")))
	p.fail = true
	if err := rdb.Save(&bytes.Buffer{}, s, rdb.SaveOptions{}); err == nil || !strings.Contains(err.Error(), "told to") {
		t.Errorf("saved: %v", err)
	}
	if b, err := rdb.Dump([]byte("before"), d.Peek([]byte("k"))); err == nil || string(b) != "before" {
		t.Errorf("dumped %q, %v", b, err)
	}
	if err := rdb.RestoreOver(d, []byte("k"), payload, keyspace.Meta{ExpireMs: keyspace.NoExpiry}); !errors.Is(err, rdb.ErrModule) {
		t.Errorf("restored: %v", err)
	}
	if _, v, ok := d.Peek([]byte("k")).Native(); !ok || v.(*pair).text != "x" {
		t.Error("a restore that failed has changed the key")
	}
	c, pc := newPairs(t)
	pc.fail = true
	if _, err := rdb.Load(bytes.NewReader(good), c, rdb.LoadOptions{}); !errors.Is(err, rdb.ErrModule) || !strings.Contains(err.Error(), `key "k"`) ||
		!strings.Contains(err.Error(), "pairs-_09") {
		t.Errorf("loaded: %v", err)
	}
	pc.fail = false
	if err := rdb.Verify(c.DB(0), payload); err != nil || c.DB(0).Len() != 0 {
		t.Errorf("verified: %v, %d keys", err, c.DB(0).Len())
	}
	if err := rdb.RestoreOver(c.DB(0), []byte("k"), payload, keyspace.Meta{ExpireMs: keyspace.NoExpiry}); err != nil {
		t.Error(err)
	}
	if err := rdb.Restore(c.DB(0), []byte("k"), payload, keyspace.Meta{ExpireMs: keyspace.NoExpiry}); !errors.Is(err, rdb.ErrExists) {
		t.Errorf("restored over a key: %v", err)
	}
	if pc.frees != 0 {
		t.Errorf("%d values freed", pc.frees)
	}
}

// TestDamagedModuleValues cuts and flips the bytes of a value everywhere: what is refused leaves nothing behind, whether the
// type is known or not, and nothing that is cut gets to the module's code.
//
// Rules: RDB-1, RDB-2.
func TestDamagedModuleValues(t *testing.T) {
	value := append([]byte{7}, pairValue("some text")...)
	seal := func(p []byte) []byte {
		p = append(bytes.Clone(p), 10, 0)
		return binary.LittleEndian.AppendUint64(p, rdb.Checksum(0, p))
	}
	known, p := newPairs(t)
	unknown := newStore(t, keyspace.Limits{})
	meta := keyspace.Meta{ExpireMs: keyspace.NoExpiry}
	for _, s := range []*keyspace.Store{known, unknown} {
		for n := 1; n < len(value); n++ {
			if err := rdb.Restore(s.DB(0), []byte("k"), seal(value[:n]), meta); !errors.Is(err, rdb.ErrTruncated) {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
		if err := rdb.Restore(s.DB(0), []byte("k"), seal(append(bytes.Clone(value), 0)), meta); !errors.Is(err, rdb.ErrCorrupt) {
			t.Errorf("a byte more: %v", err)
		}
		if s.DB(0).Len() != 0 || s.Changes() != 0 {
			t.Fatalf("%d keys, %d changes", s.DB(0).Len(), s.Changes())
		}
	}
	if len(p.loaded) != 1 { // the value with a byte behind it was whole
		t.Errorf("the module has seen %q", p.loaded)
	}
	for i := 10; i < len(value); i++ { // behind the id
		for bit := range 8 {
			flipped := bytes.Clone(value)
			flipped[i] ^= 1 << bit
			if err := rdb.Restore(unknown.DB(0), []byte("k"), seal(flipped), meta); err == nil {
				if got := dumped(t, unknown.DB(0).Peek([]byte("k"))); !bytes.Equal(got, seal(flipped)) {
					t.Errorf("byte %d, bit %d: %x came back as %x", i, bit, seal(flipped), got)
				}
				unknown.FlushAll()
			}
		}
	}
}

// TestModuleKinds: reading another kind than was written is an error that stays.
//
// Rules: RDB-1, RDB-2.
func TestModuleKinds(t *testing.T) {
	w := rdb.NewWriter(nil, rdb.WriterOptions{})
	writes := []func(){
		func() { w.WriteModuleUint(1) }, func() { w.WriteModuleDouble(1) }, func() { w.WriteModuleFloat(1) }, func() { w.WriteModuleString(nil) }, w.WriteModuleEnd,
	}
	for i, write := range writes {
		w.Reset(nil)
		write()
		for j := range writes {
			r := rdb.NewBytesReader(w.Bytes(), rdb.ReaderOptions{})
			reads := []func(){
				func() { r.ReadModuleUint() }, func() { r.ReadModuleDouble() }, func() { r.ReadModuleFloat() }, func() { r.ReadModuleString(nil) }, r.ReadModuleEnd,
			}
			reads[j]()
			if (r.Err() == nil) != (i == j) || i != j && !errors.Is(r.Err(), rdb.ErrCorrupt) {
				t.Errorf("kind %d read as %d: %v", i, j, r.Err())
			}
			if reads[i](); i != j && !errors.Is(r.Err(), rdb.ErrCorrupt) {
				t.Errorf("the error was forgotten: %v", r.Err())
			}
		}
	}
}

// TestModuleAux: what modules store stands before and after the keys, as bytes that Redis accepts, and comes back the same.
//
// Rules: TYP-8.
func TestModuleAux(t *testing.T) {
	s, p := newPairs(t)
	s.DB(0).SetNative([]byte("k"), p, &pair{strings.Repeat("some text ", 20)})
	s.DB(5).SetStr([]byte("s"), []byte("v"))
	var given []rdb.ModuleAux
	o := rdb.SaveOptions{Checksum: true, Compress: true, Aux: [][2]string{{"redis-ver", "7.0.15"}}, ModuleAux: func(w *rdb.Writer, when uint64) {
		w.BeginModuleAux(pairID, when)
		w.WriteModuleString(fmt.Append(nil, "at ", when))
		w.WriteModuleEnd()
	}}
	file := save(t, s, o)
	id := string(binary.BigEndian.AppendUint64([]byte{0x81}, pairID))
	before := "\xf7" + id + "\x02\x01\x05\x04at 1\x00\xfe\x00"
	after := "\xf7" + id + "\x02\x02\x05\x04at 2\x00\xff"
	if !bytes.Contains(file, []byte(before)) || !bytes.Contains(file, []byte(after)) {
		t.Errorf("%q is not where it belongs", file)
	}
	order := ""
	c, _ := newPairs(t)
	info := load(t, file, c, rdb.LoadOptions{ModuleAux: func(a rdb.ModuleAux) error {
		order += fmt.Sprintf("%d keys before aux %d. ", c.DB(0).Len()+c.DB(5).Len(), a.When)
		a.Payload = bytes.Clone(a.Payload)
		given = append(given, a)
		return nil
	}})
	if order != "0 keys before aux 1. 2 keys before aux 2. " || info.Keys != 2 || given[0].ID != pairID {
		t.Errorf("%s%+v", order, given)
	}
	again := save(t, c, rdb.SaveOptions{Checksum: true, Compress: true, Aux: o.Aux, ModuleAux: func(w *rdb.Writer, when uint64) {
		w.WriteModuleAux(given[when-1])
	}})
	if !bytes.Equal(again, file) {
		t.Error("what was read and written again has changed")
	}
	wrong := errors.New("wrong")
	_, err := rdb.Load(bytes.NewReader(file), newStore(t, keyspace.Limits{}), rdb.LoadOptions{ModuleAux: func(rdb.ModuleAux) error { return wrong }})
	if !errors.Is(err, wrong) || !errors.Is(err, rdb.ErrModule) {
		t.Errorf("refused aux: %v", err)
	}
	if path, err := exec.LookPath("redis-check-rdb"); err == nil {
		dir := writeDump(t, file)
		if out, err := exec.Command(path, dir+"/dump.rdb").CombinedOutput(); err != nil || !strings.Contains(string(out), "RDB looks OK") {
			t.Errorf("redis-check-rdb: %v\n%s", err, out)
		}
	}
}
