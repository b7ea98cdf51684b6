package host

import (
	"bytes"
	"fmt"

	"datastore/keyspace"
	"datastore/keyspace/rdb"
	"datastore/plugin"
)

// Auxiliary data is what types store in an RDB file beside the keys. Data of types that are not registered is kept as it was
// read, written again by SaveAux, and given to the type when its module is loaded.

// BeginLoad forgets the auxiliary data that was kept, because a whole dataset is about to be loaded. It is called under the
// execution lock, as the others are.
func (h *Modules) BeginLoad() { h.aux = nil }

// LoadAux takes auxiliary data that was read from a file. The error is that of the module.
func (h *Modules) LoadAux(a rdb.ModuleAux) error {
	t, ok := h.natives().Type(a.ID).(*nativeType)
	if !ok {
		h.server.Log(plugin.Warning, fmt.Sprintf("The RDB file contains AUX data of module type '%s', which no module has "+
			"registered: it is kept as it is", keyspace.NativeName(a.ID)))
		a.Payload = bytes.Clone(a.Payload)
		h.aux = append(h.aux, a)
		return nil
	}
	return t.loadAux(a)
}

// loadAux gives auxiliary data to the type.
func (t *nativeType) loadAux(a rdb.ModuleAux) (err error) {
	if t.m.AuxLoad == nil {
		t.logf(plugin.Warning, "AUX data was dropped: there is no AuxLoad")
		return nil
	}
	s := t.newStream(nowhere())
	s.r = rdb.NewBytesReader(a.Payload, rdb.ReaderOptions{})
	if e := t.guard("AuxLoad", func() { err = t.m.AuxLoad(&s.IO, int(a.ID&rdb.ModuleVersionMask), plugin.AuxWhen(a.When)) }); e != nil {
		err = e
	}
	if e := s.end(); err == nil {
		err = e
	}
	if err == nil {
		if s.r.ReadModuleEnd(); s.r.Err() != nil {
			err = errNotAll
		}
	}
	return err
}

// adoptAux gives the types of a module that is becoming active what was kept for them, and returns the rest.
func (h *Modules) adoptAux(m *module) (rest []rdb.ModuleAux, err error) {
	for _, a := range h.aux {
		t := m.typeOf(a.ID)
		if t == nil {
			rest = append(rest, a)
			continue
		}
		if err := t.loadAux(a); err != nil {
			return nil, fmt.Errorf("type %s: loading AUX data: %w", t.public.Name, err)
		}
	}
	return rest, nil
}

// typeOf returns the module's type with the name in an id, nil if it has none.
func (m *module) typeOf(id uint64) *nativeType {
	for _, t := range m.types {
		if t.public.ID&^rdb.ModuleVersionMask == id&^rdb.ModuleVersionMask {
			return t
		}
	}
	return nil
}

// SaveAux writes the auxiliary data that belongs before or after the keys; when is rdb.ModuleAuxBefore or rdb.ModuleAuxAfter.
// What a module could not write is an error of w.
func (h *Modules) SaveAux(w *rdb.Writer, when uint64) {
	for _, m := range h.list {
		for _, t := range m.types {
			if t.m.AuxSave != nil && uint64(t.m.AuxWhen)&when != 0 {
				t.saveAux(w, when)
			}
		}
	}
	for _, a := range h.aux {
		if a.When == when {
			w.WriteModuleAux(a)
		}
	}
}

// saveAux writes what the type stores. When that is nothing the file gets no trace of it.
func (t *nativeType) saveAux(w *rdb.Writer, when uint64) {
	s, begun := t.newStream(nowhere()), false
	s.w, s.begin = w, func() {
		w.BeginModuleAux(t.public.ID, when)
		begun = true
	}
	err := t.guard("AuxSave", func() { t.m.AuxSave(&s.IO, plugin.AuxWhen(when)) })
	if e := s.end(); err == nil {
		err = e
	}
	if begun {
		w.WriteModuleEnd()
	}
	if err != nil {
		w.Fail(fmt.Errorf("%w to save what type %s stores beside the keys: %w", rdb.ErrModule, t.public.Name, err))
	}
}
