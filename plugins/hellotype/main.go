// Command hellotype is a module with a native data type: an ordered list of integers. It is the port of Redis's example of
// the same name without its blocking command, and its values in RDB files and DUMP payloads are those of the original.
package main

import (
	"fmt"
	"slices"
	"sort"

	"datastore/plugin"
)

// list is a value of the type: integers in ascending order, equal ones side by side.
type list struct{ values []int64 }

const (
	typeName    = "hellotype"
	typeVersion = 0

	maxReserve = 1 << 16 // elements for which room is made before they have been read

	structBytes, elementBytes = 24, 8
)

const (
	errValue = plugin.ReplyError("ERR invalid value: must be a signed 64 bit integer")
	errRange = plugin.ReplyError("ERR invalid first or count parameters")
)

// module has what the handlers need; a package variable would outlive MODULE UNLOAD.
type module struct{ lists plugin.TypeOf[list] }

// OnLoad registers the type and the commands. It takes no arguments.
func OnLoad(ctx plugin.Ctx, _ []plugin.String) (err error) {
	if err := ctx.Init("hellotype", 1, plugin.APIVer2); err != nil {
		return err
	}
	m := &module{}
	m.lists, err = plugin.CreateTypeOf(ctx, typeName, typeVersion, plugin.MethodsOf[list]{
		Load: load, Save: save, Rewrite: rewrite, AllocSize: size, Copy: copyList, Digest: digest,
	})
	if err != nil {
		return err
	}
	for _, c := range []struct {
		name    string
		handler plugin.Handler
		spec    plugin.CommandSpec
	}{
		{"hellotype.insert", m.insert, plugin.CommandSpec{
			Flags: "write deny-oom", Arity: 3, Summary: "Inserts an integer in order.", Complexity: "O(N)",
		}},
		{"hellotype.range", m.rng, plugin.CommandSpec{
			Flags: "readonly", Arity: 4, Summary: "Returns count integers from an index on.", Complexity: "O(count)",
		}},
		{"hellotype.len", m.length, plugin.CommandSpec{
			Flags: "readonly fast", Arity: 2, Summary: "Returns the number of integers.", Complexity: "O(1)",
		}},
	} {
		c.spec.FirstKey, c.spec.LastKey, c.spec.KeyStep, c.spec.Since = 1, 1, 1, "1.0.0"
		if err := ctx.CreateCommand(c.name, c.handler, c.spec); err != nil {
			return err
		}
	}
	return nil
}

// insert is HELLOTYPE.INSERT key value. It replicates itself as it is, which is cheap and needs the module on replicas. A
// command that says nothing about replication is replicated with the whole list.
func (m *module) insert(ctx plugin.Ctx, args []plugin.String) error {
	n, err := args[2].Int64()
	if err != nil {
		return errValue
	}
	k, err := ctx.OpenKey(args[1], plugin.Read|plugin.Write)
	if err != nil {
		return err
	}
	l, err := m.lists.GetOrCreate(k, func() *list { return &list{} })
	if err != nil {
		return err
	}
	at := sort.Search(len(l.values), func(i int) bool { return l.values[i] > n })
	l.values = slices.Insert(l.values, at, n)
	if err := k.Changed(); err != nil {
		return err
	}
	if err := ctx.ReplicateVerbatim(); err != nil {
		return err
	}
	return ctx.ReplyInt(int64(len(l.values)))
}

// rng is HELLOTYPE.RANGE key first count.
func (m *module) rng(ctx plugin.Ctx, args []plugin.String) error {
	l, err := m.open(ctx, args[1])
	if err != nil {
		return err
	}
	first, err1 := args[2].Int64()
	count, err2 := args[3].Int64()
	if err1 != nil || err2 != nil || first < 0 || count < 0 {
		return errRange
	}
	values := l.values[min(first, int64(len(l.values))):]
	values = values[:min(count, int64(len(values)))]
	if err := ctx.ReplyArray(len(values)); err != nil {
		return err
	}
	for _, n := range values {
		if err := ctx.ReplyInt(n); err != nil {
			return err
		}
	}
	return nil
}

// length is HELLOTYPE.LEN key.
func (m *module) length(ctx plugin.Ctx, args []plugin.String) error {
	l, err := m.open(ctx, args[1])
	if err != nil {
		return err
	}
	return ctx.ReplyInt(int64(len(l.values)))
}

// open returns the list of a key for reading, an empty one for a missing key.
func (m *module) open(ctx plugin.Ctx, name plugin.String) (*list, error) {
	k, err := ctx.OpenKey(name, plugin.Read)
	if err != nil {
		return nil, err
	}
	l, err := m.lists.Get(k)
	if l == nil {
		l = &list{}
	}
	return l, err
}

// load reads what save has written. The number of elements is not believed before they are there.
func load(io *plugin.IO, encver int) (*list, error) {
	if encver != typeVersion {
		return nil, fmt.Errorf("unknown version %d", encver)
	}
	n := io.LoadUint()
	l := &list{values: make([]int64, 0, min(n, maxReserve))}
	for ; n > 0 && io.Err() == nil; n-- {
		l.values = append(l.values, io.LoadInt())
	}
	slices.Sort(l.values)
	return l, io.Err()
}

func save(io *plugin.IO, l *list) {
	io.SaveUint(uint64(len(l.values)))
	for _, n := range l.values {
		io.SaveInt(n)
	}
}

func rewrite(io *plugin.IO, key plugin.String, l *list) {
	for _, n := range l.values {
		io.EmitAOF("HELLOTYPE.INSERT", "sl", key, n)
	}
}

func size(l *list) int64 {
	return structBytes + int64(cap(l.values))*elementBytes
}

func copyList(_ plugin.OptCtx, l *list) (*list, error) {
	return &list{values: slices.Clone(l.values)}, nil
}

func digest(d *plugin.Digest, l *list) {
	for _, n := range l.values {
		d.AddInt(n)
	}
	d.EndSequence()
}

func main() {}
