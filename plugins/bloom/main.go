// Command bloom is a module with scalable Bloom filters: sets that tell whether an item was added, in a few bits per item and with
// a chance to be wrong that is chosen beforehand. Commands, arguments and replies are those of RedisBloom's BF family; dumps and
// stored filters are of a format of its own.
//
// It owns the native type "bloomfltr" and refuses everything about it that the SDK does not offer: it is built on the public SDK
// only.
package main

import "datastore/plugin"

const (
	typeName    = "bloomfltr"
	typeVersion = 1
)

// OnLoad registers the type and the commands. It takes no arguments.
func OnLoad(ctx plugin.Ctx, _ []plugin.String) error {
	if err := ctx.Init("bloom", 1, plugin.APIVer2); err != nil {
		return err
	}
	m := &module{}
	if err := m.register(ctx); err != nil {
		return err
	}
	const write, read = "write deny-oom fast", "readonly fast"
	for _, c := range []struct {
		name       string
		handler    plugin.Handler
		flags      string
		arity      int
		summary    string
		complexity string
	}{
		{"bf.reserve", m.reserve, write, -4, "Creates an empty filter.", "O(1)"},
		{"bf.add", m.addOne, write, 3, "Adds an item to a filter, which is created if it is not there.", "O(k), k is the number of hash functions"},
		{"bf.madd", m.addMany, write, -3, "Adds items to a filter, which is created if it is not there.", "O(k * n), n is the number of items"},
		{"bf.insert", m.insert, write, -4, "Adds items to a filter, with options for its creation.", "O(k * n), n is the number of items"},
		{"bf.exists", m.exists, read, 3, "Tells whether an item may have been added to a filter.", "O(k)"},
		{"bf.mexists", m.existsMany, read, -3, "Tells which items may have been added to a filter.", "O(k * n)"},
		{"bf.card", m.card, read, 2, "Returns how many items were added to a filter.", "O(1)"},
		{"bf.info", m.info, read, -2, "Returns what a filter is like.", "O(1)"},
		{"bf.scandump", m.scanDump, "readonly", 3, "Returns a filter in chunks.", "O(n), n is the size of the chunk"},
		{"bf.loadchunk", m.loadChunk, "write deny-oom", 4, "Restores a filter from chunks.", "O(n), n is the size of the chunk"},
	} {
		err := ctx.CreateCommand(c.name, c.handler, plugin.CommandSpec{
			Flags: c.flags, FirstKey: 1, LastKey: 1, KeyStep: 1, Arity: c.arity, Summary: c.summary, Complexity: c.complexity,
			Since: "1.0.0",
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func main() {}
