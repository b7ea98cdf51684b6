package host

import (
	"errors"
	"math/bits"

	"datastore/plugin"
	"datastore/server/command"
)

// A command with the flag getkeys-api is asked where its keys are by running its handler in a frame that has no client and can
// do nothing but answer. It happens wherever the command table looks for keys: COMMAND GETKEYS, and the check that a call
// leaves open keys alone. The handler runs on the asker's goroutine, under the execution lock, inside whatever is running.

// anyUse is what KeyAtPos says of a key.
const anyUse = plugin.KeyRW | plugin.KeyAccess | plugin.KeyUpdate

// keysOf returns what the command table calls to find the keys of a command.
func (h *Modules) keysOf(c *moduleCommand) func([][]byte, []command.KeyAt) []command.KeyAt {
	return func(args [][]byte, dst []command.KeyAt) []command.KeyAt { return h.ask(c, args, dst) }
}

// ask appends the keys that a handler reports for args; none when it fails.
func (h *Modules) ask(mc *moduleCommand, args [][]byte, dst []command.KeyAt) (keys []command.KeyAt) {
	if h.depth == maxDepth {
		return dst
	}
	f := h.frameAt(h.depth)
	cc := h.server.Context()
	h.depth++
	f.module, f.self, f.cc, f.client, f.cmd, f.raw, f.db = mc.module, mc, cc, cc.Client, nil, args, cc.DB
	f.noClient, f.use, f.returned, f.keysAt = true, asking, false, dst
	f.reply.reset()
	for _, a := range args {
		f.args = append(f.args, plugin.StringOf(a))
	}
	defer func() {
		if v := recover(); v != nil || !f.returned {
			keys = dst
			f.askedInVain(v)
		}
		f.release()
		f.pool.reset()
		f.use, f.keysAt = over, nil
		h.depth = f.depth
		f.dropArgs()
	}()
	err := mc.handler(f, f.args)
	f.returned = true
	if err != nil && !errors.Is(err, plugin.ErrNoClient) { // it has replied and returned what came of that
		f.logf(plugin.Verbose, "command '%s' was asked for the positions of its keys: %v", mc.full, err)
		return dst
	}
	return f.keysAt
}

// askedInVain logs a handler that did not return.
func (f *frame) askedInVain(v any) {
	err := error(ErrGoexit)
	if v != nil {
		err = newPanicError(v)
	}
	f.module.panics.Add(1)
	f.host.logStack(f.module, err)
	f.logf(plugin.Warning, "command '%s' was asked for the positions of its keys and did not return: %v", f.self.full, err)
}

// IsKeysPositionRequest implements plugin.Positions.
func (f *frame) IsKeysPositionRequest() bool { return f.use == asking }

// KeyAtPos implements plugin.Positions.
func (f *frame) KeyAtPos(pos int) { f.KeyAtPosFlags(pos, anyUse) }

// KeyAtPosFlags implements plugin.Positions.
func (f *frame) KeyAtPosFlags(pos int, flags plugin.KeyFlags) {
	switch {
	case f.use != asking || pos < 1:
		return
	case pos >= len(f.raw):
		f.misuse("command '%s' reports a key at position %d of %d arguments", f.self.full, pos, len(f.raw))
		return
	}
	converted, ok := keyFlags(flags)
	if !ok {
		f.misuse("command '%s' reports a key at position %d with flags that make no sense: %#x", f.self.full, pos, flags)
		converted, _ = keyFlags(anyUse)
	}
	f.keysAt = append(f.keysAt, command.KeyAt{Pos: pos, Flags: converted})
}

// keyFlags converts key flags; ok is false unless exactly one of them says what happens to the value, or it is no key.
func keyFlags(flags plugin.KeyFlags) (converted command.KeyFlags, ok bool) {
	for _, pair := range [...]struct {
		from plugin.KeyFlags
		to   command.KeyFlags
	}{
		{plugin.KeyRO, command.RO}, {plugin.KeyRW, command.RW}, {plugin.KeyOW, command.OW}, {plugin.KeyRM, command.RM},
		{plugin.KeyAccess, command.Access}, {plugin.KeyUpdate, command.Update}, {plugin.KeyInsert, command.Insert},
		{plugin.KeyDelete, command.Delete}, {plugin.KeyNotKey, command.NotKey}, {plugin.KeyIncomplete, command.Incomplete},
		{plugin.KeyVariableFlags, command.VariableFlags},
	} {
		if flags&pair.from != 0 {
			converted |= pair.to
			flags &^= pair.from
		}
	}
	whole := bits.OnesCount16(uint16(converted & (command.RO | command.RW | command.OW | command.RM)))
	return converted, flags == 0 && (whole == 1 || whole == 0 && converted&command.NotKey != 0)
}
