package main

import (
	"strings"

	"datastore/plugin"
)

// Error replies, in RedisBloom's words.
const (
	errExists   = plugin.ReplyError("ERR item exists")
	errNotFound = plugin.ReplyError("ERR not found")
	errIter     = plugin.ReplyError("ERR Second argument must be numeric")
	errData     = plugin.ReplyError("ERR received bad data")
	errField    = plugin.ReplyError("ERR Invalid information value")
)

// module is what the handlers share.
type module struct{ filters plugin.TypeOf[filter] }

// reserve is BF.RESERVE key error_rate capacity [EXPANSION expansion] [NONSCALING].
func (m *module) reserve(ctx plugin.Ctx, args []plugin.String) error {
	o := defaults()
	if err := o.rate(args[2]); err != nil {
		return err
	}
	if err := o.size(args[3]); err != nil {
		return err
	}
	if _, err := o.parse(args[4:], false); err != nil {
		return err
	}
	k, f, err := m.open(ctx, args[1])
	switch {
	case err != nil:
		return err
	case f != nil:
		return errExists
	}
	if f, err = o.make(); err != nil {
		return err
	}
	if err := m.filters.Set(k, f); err != nil {
		return err
	}
	if err := ctx.ReplicateVerbatim(); err != nil {
		return err
	}
	return ctx.ReplyStatus("OK")
}

// open opens a key for writing; the filter is nil for an empty one.
func (m *module) open(ctx plugin.Ctx, name plugin.String) (*plugin.Key, *filter, error) {
	k, err := ctx.OpenKey(name, plugin.Read|plugin.Write)
	if err != nil {
		return nil, nil, err
	}
	f, err := m.filters.Get(k)
	return k, f, err
}

// look returns the filter of a key, nil for a missing one.
func (m *module) look(ctx plugin.Ctx, name plugin.String) (*filter, error) {
	k, err := ctx.OpenKey(name, plugin.Read)
	if err != nil {
		return nil, err
	}
	return m.filters.Get(k)
}

// addOne is BF.ADD key item.
func (m *module) addOne(ctx plugin.Ctx, args []plugin.String) error {
	in, err := m.begin(ctx, args[1], defaults())
	if err != nil {
		return err
	}
	added, err := in.f.add(args[2].Bytes())
	if err != nil {
		return fails(err)
	}
	if err := in.end(ctx, added); err != nil {
		return err
	}
	return ctx.ReplyBool(added)
}

// addMany is BF.MADD key item [item …].
func (m *module) addMany(ctx plugin.Ctx, args []plugin.String) error {
	return m.insertAll(ctx, args[1], args[2:], defaults())
}

// insert is BF.INSERT key [CAPACITY capacity] [ERROR error_rate] [EXPANSION expansion] [NOCREATE] [NONSCALING] ITEMS item …
func (m *module) insert(ctx plugin.Ctx, args []plugin.String) error {
	o := defaults()
	n, err := o.parse(args[2:], true)
	switch items := args[2+n:]; {
	case err != nil:
		return err
	case len(items) < 2: // ITEMS and one
		return ctx.WrongArity()
	default:
		return m.insertAll(ctx, args[1], items[1:], o)
	}
}

// insertion is a command that adds items to a filter.
type insertion struct {
	m   *module
	k   *plugin.Key
	f   *filter
	new bool
}

// begin opens the filter of a key, or makes one that end stores.
func (m *module) begin(ctx plugin.Ctx, name plugin.String, o options) (in insertion, err error) {
	in.m = m
	in.k, in.f, err = m.open(ctx, name)
	if err != nil || in.f != nil {
		return in, err
	}
	if o.noCreate {
		return in, errNotFound
	}
	in.new = true
	in.f, err = o.make()
	return in, err
}

// end stores a new filter, or tells that the old one has changed, and replicates the command.
func (in *insertion) end(ctx plugin.Ctx, changed bool) error {
	switch {
	case in.new:
		if err := in.m.filters.Set(in.k, in.f); err != nil {
			return err
		}
	case !changed:
		return nil
	default:
		if err := in.k.Changed(); err != nil {
			return err
		}
	}
	return ctx.ReplicateVerbatim()
}

// insertAll adds items and replies which of them looked new. The first one that finds no room has an error instead, and those
// after it have nothing.
func (m *module) insertAll(ctx plugin.Ctx, name plugin.String, items []plugin.String, o options) error {
	in, err := m.begin(ctx, name, o)
	if err != nil {
		return err
	}
	if err := ctx.ReplyArray(plugin.Postponed); err != nil {
		return err
	}
	changed, n := false, 0
	for _, item := range items {
		n++
		added, err := in.f.add(item.Bytes())
		if err != nil {
			_ = ctx.ReplyError(string(fails(err)))
			break
		}
		changed = changed || added
		_ = ctx.ReplyBool(added)
	}
	if err := in.end(ctx, changed); err != nil {
		ctx.Log(plugin.Warning, "items of '%s' were not stored: %v", name, err)
	}
	return ctx.SetArrayLen(n)
}

// fails makes the error reply of what a filter returned.
func fails(err error) plugin.ReplyError { return plugin.ReplyError("ERR " + err.Error()) }

// exists is BF.EXISTS key item.
func (m *module) exists(ctx plugin.Ctx, args []plugin.String) error {
	f, err := m.look(ctx, args[1])
	if err != nil {
		return err
	}
	return ctx.ReplyBool(f != nil && f.has(args[2].Bytes()))
}

// existsMany is BF.MEXISTS key item [item …].
func (m *module) existsMany(ctx plugin.Ctx, args []plugin.String) error {
	f, err := m.look(ctx, args[1])
	if err != nil {
		return err
	}
	if err := ctx.ReplyArray(len(args) - 2); err != nil {
		return err
	}
	for _, item := range args[2:] {
		if err := ctx.ReplyBool(f != nil && f.has(item.Bytes())); err != nil {
			return err
		}
	}
	return nil
}

// card is BF.CARD key.
func (m *module) card(ctx plugin.Ctx, args []plugin.String) error {
	f, err := m.look(ctx, args[1])
	switch {
	case err != nil:
		return err
	case f == nil:
		return ctx.ReplyInt(0)
	}
	return ctx.ReplyInt(int64(f.items))
}

// fact is something that BF.INFO tells.
type fact struct {
	word, title string
	value       func(f *filter) int64 // negative for none
}

func facts() [5]fact {
	return [...]fact{
		{"CAPACITY", "Capacity", func(f *filter) int64 { return int64(f.capacity()) }},
		{"SIZE", "Size", (*filter).bytes},
		{"FILTERS", "Number of filters", func(f *filter) int64 { return int64(len(f.layers)) }},
		{"ITEMS", "Number of items inserted", func(f *filter) int64 { return int64(f.items) }},
		{"EXPANSION", "Expansion rate", func(f *filter) int64 {
			if f.nonScaling {
				return -1
			}
			return int64(f.expansion)
		}},
	}
}

func replyFact(ctx plugin.Ctx, n int64) error {
	if n < 0 {
		return ctx.ReplyNull()
	}
	return ctx.ReplyInt(n)
}

// info is BF.INFO key [CAPACITY | SIZE | FILTERS | ITEMS | EXPANSION].
func (m *module) info(ctx plugin.Ctx, args []plugin.String) error {
	f, err := m.look(ctx, args[1])
	switch {
	case len(args) > 3:
		return ctx.WrongArity()
	case err != nil:
		return err
	case f == nil:
		return errNotFound
	}
	all := facts()
	if len(args) == 3 {
		word := strings.ToUpper(args[2].String())
		for _, is := range all {
			if is.word == word {
				if err := ctx.ReplyArray(1); err != nil {
					return err
				}
				return replyFact(ctx, is.value(f))
			}
		}
		return errField
	}
	if err := ctx.ReplyMap(len(all)); err != nil {
		return err
	}
	for _, is := range all {
		if err := ctx.ReplyStatus(is.title); err != nil {
			return err
		}
		if err := replyFact(ctx, is.value(f)); err != nil {
			return err
		}
	}
	return nil
}

// scanDump is BF.SCANDUMP key iterator.
func (m *module) scanDump(ctx plugin.Ctx, args []plugin.String) error {
	f, err := m.look(ctx, args[1])
	if err != nil {
		return err
	}
	iter, err := args[2].Int64()
	switch {
	case f == nil:
		return errNotFound
	case err != nil || iter < 0:
		return errIter
	}
	data := f.header()
	next := int64(dumpHeaderIter)
	if iter >= dumpHeaderIter {
		data = f.chunk(iter-dumpHeaderIter, maxChunkBytes)
		next = iter + int64(len(data))
	}
	if len(data) == 0 {
		next = 0
	}
	if err := ctx.ReplyArray(2); err != nil {
		return err
	}
	if err := ctx.ReplyInt(next); err != nil {
		return err
	}
	return ctx.ReplyBulk(data)
}

// loadChunk is BF.LOADCHUNK key iterator data.
func (m *module) loadChunk(ctx plugin.Ctx, args []plugin.String) error {
	iter, err := args[2].Int64()
	if err != nil || iter < dumpHeaderIter {
		return errIter
	}
	k, f, err := m.open(ctx, args[1])
	if err != nil {
		return err
	}
	data := args[3].Bytes()
	switch {
	case iter == dumpHeaderIter && f == nil:
		if f, err = ofHeader(data); err != nil {
			return errData
		}
		err = m.filters.Set(k, f)
	case iter == dumpHeaderIter || f == nil || f.load(iter-dumpHeaderIter-int64(len(data)), data) != nil:
		return errData
	default:
		err = k.Changed()
	}
	if err != nil {
		return err
	}
	if err := ctx.ReplicateVerbatim(); err != nil {
		return err
	}
	return ctx.ReplyStatus("OK")
}
