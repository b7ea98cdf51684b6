package host

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"datastore/keyspace/rdb"
	"datastore/plugin"
)

// file saves the rig's dataset with what modules store beside the keys.
func (r *rig) file() []byte {
	r.t.Helper()
	var b bytes.Buffer
	if err := rdb.Save(&b, r.ctx.Store, rdb.SaveOptions{Checksum: true, ModuleAux: r.h.SaveAux}); err != nil {
		r.t.Fatal(err)
	}
	return b.Bytes()
}

// loadFile loads a dataset into an empty rig.
func (r *rig) loadFile(file []byte) error {
	r.h.BeginLoad()
	_, err := rdb.Load(bytes.NewReader(file), r.ctx.Store, rdb.LoadOptions{NowMs: rigNowMs, ModuleAux: r.h.LoadAux})
	return err
}

// TestAux: what a type stores beside the keys is saved and loaded before and after them, leaves no trace when it is nothing,
// and is kept for a module that is not loaded.
//
// Rules: TYP-8.
func TestAux(t *testing.T) {
	text := "stored"
	auxed := func() *numbersType {
		nt := newNumbers()
		nt.m.AuxWhen = plugin.AuxBefore | plugin.AuxAfter
		nt.m.AuxSave = func(io *plugin.IO, when plugin.AuxWhen) {
			if text != "" {
				io.SaveString(str(text))
				io.SaveUint(uint64(when))
			}
		}
		load := nt.m.Load
		nt.m.Load = func(io *plugin.IO, encver int) (*numbers, error) { nt.note("value"); return load(io, encver) }
		nt.m.AuxLoad = func(io *plugin.IO, encver int, when plugin.AuxWhen) error {
			s := io.LoadString()
			if n := io.LoadUint(); n != uint64(when) {
				return fmt.Errorf("%s of %d at %d", s, n, when)
			}
			nt.note("%s %d v%d", s, when, encver)
			return nil
		}
		return nt
	}
	r := bareRig(t)
	r.mustLoad(auxed().onLoad(plugin.APIVer2))
	r.want("+OK\r\n", "nadd", "k", "1")
	file := r.file()

	again := bareRig(t)
	nt := auxed()
	again.mustLoad(nt.onLoad(plugin.APIVer2))
	must(t, again.loadFile(file))
	if got := nt.took(); got != "stored 1 v3 | value | stored 2 v3" {
		t.Errorf("loaded %s", got)
	}
	if !bytes.Equal(again.file(), file) {
		t.Error("the file has changed")
	}

	absent := bareRig(t)
	must(t, absent.loadFile(file))
	if !bytes.Equal(absent.file(), file) || !absent.logged("AUX data of module type 'numbers-1'") {
		t.Error("without the module the file has changed")
	}
	must(t, absent.loadFile([]byte("REDIS0010\xff\x00\x00\x00\x00\x00\x00\x00\x00")))
	if len(absent.h.aux) != 0 {
		t.Error("another dataset has left AUX data")
	}
	absent.ctx.Store.FlushAll()
	must(t, absent.loadFile(file))
	late := auxed()
	absent.mustLoad(late.onLoad(plugin.APIVer2))
	if got := late.took(); got != "stored 1 v3 | stored 2 v3" {
		t.Errorf("a module that came late loaded %s", got)
	}
	if !bytes.Equal(absent.file(), file) {
		t.Error("after the module has come the file has changed")
	}

	refuse := auxed()
	refuse.m.AuxLoad = func(*plugin.IO, int, plugin.AuxWhen) error { return nil } // it reads nothing
	refusing := bareRig(t)
	must(t, refusing.loadFile(file))
	if err := refusing.h.LoadLinked(&Image{OnLoad: refuse.onLoad(2)}, nil); !errors.Is(err, errNotAll) || len(refusing.h.aux) != 2 || len(refusing.h.Infos()) != 0 {
		t.Errorf("loaded: %v, %d kept", err, len(refusing.h.aux))
	}
	refusing.ctx.Store.FlushAll()
	refuse.m.AuxLoad = nil
	refusing.h.BeginLoad()
	refusing.mustLoad(refuse.onLoad(2))
	must(t, refusing.loadFile(file))
	if !refusing.logged("AUX data was dropped") {
		t.Error("AUX data without AuxLoad")
	}

	text = ""
	if empty := r.file(); bytes.Contains(empty, []byte{0xf7}) {
		t.Errorf("a trace of nothing in %q", empty)
	}
	failing := auxed()
	failing.m.AuxSave = func(*plugin.IO, plugin.AuxWhen) { panic("half-way") }
	r = bareRig(t)
	r.mustLoad(failing.onLoad(2))
	if err := rdb.Save(&bytes.Buffer{}, r.ctx.Store, rdb.SaveOptions{ModuleAux: r.h.SaveAux}); err == nil {
		t.Error("a file was saved though AuxSave panicked")
	}
}
