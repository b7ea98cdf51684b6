// Command helloblock shows how a command lets its client wait: for a goroutine, with a timeout, and for a key. HELLO.BLOCK
// and HELLO.KEYS are those of the helloblock module that Redis ships.
//
// It owns the commands hello.block, hello.keys and helloblock.bpop, and refuses to keep any state.
package main

import "datastore/plugin"

// OnLoad registers the commands.
func OnLoad(ctx plugin.Ctx, _ []plugin.String) error {
	if err := ctx.Init("helloblock", 1, plugin.APIVer2); err != nil {
		return err
	}
	for _, c := range []struct {
		name    string
		handler plugin.Handler
		spec    plugin.CommandSpec
	}{
		{"hello.block", block, plugin.CommandSpec{
			Flags: "blocking", Arity: 3, Summary: "Returns a random number after some seconds.", Complexity: "O(1)"}},
		{"hello.keys", keys, plugin.CommandSpec{
			Flags: "readonly blocking", Arity: 1, Summary: "Returns all keys without keeping other clients waiting.",
			Complexity: "O(N) where N is the number of keys"}},
		{"helloblock.bpop", bpop, plugin.CommandSpec{
			Flags: "write blocking", Arity: 3, FirstKey: 1, LastKey: 1, KeyStep: 1,
			Summary: "Removes and returns the last element of a list, or waits for one.", Complexity: "O(1)"}},
	} {
		c.spec.Since = "1.0.0"
		if err := ctx.CreateCommand(c.name, c.handler, c.spec); err != nil {
			return err
		}
	}
	return nil
}

func main() {}
