// Command helloworld is the module to read first: one small command for each thing that a module can do. The commands
// are those of the helloworld module that Redis ships, and behave like them.
//
// It owns the commands named hello.* and helloworld.rand, and refuses to keep any state: everything is in the keyspace.
package main

import "datastore/plugin"

// OnLoad registers the commands. It logs its arguments and has no use for them.
func OnLoad(ctx plugin.Ctx, args []plugin.String) error {
	if err := ctx.Init("helloworld", 1, plugin.APIVer1); err != nil {
		return err
	}
	for i, arg := range args {
		ctx.Log(plugin.Notice, "loaded with argument %d: %s", i, arg)
	}
	for _, c := range commands() {
		c.spec.Since = "1.0.0"
		if err := ctx.CreateCommand(c.name, c.handler, c.spec); err != nil {
			return err
		}
	}
	return nil
}

type command struct {
	name    string
	handler plugin.Handler
	spec    plugin.CommandSpec
}

func commands() []command {
	key := func(flags string, arity int, summary, complexity string) plugin.CommandSpec {
		s := plugin.Flags(flags, 1, 1, 1)
		s.Arity, s.Summary, s.Complexity = arity, summary, complexity
		return s
	}
	splice := key("write deny-oom", 4, "Moves elements from the tail of one list to the head of another.", "O(N) where N is the number of elements moved")
	splice.LastKey = 2
	return []command{
		{"hello.simple", simple, plugin.CommandSpec{
			Flags: "readonly fast", Arity: 1, Summary: "Returns the number of the selected database.", Complexity: "O(1)"}},
		{"hello.push.native", pushNative, key("write deny-oom", 3, "Appends to a list through an open key.", "O(1)")},
		{"hello.push.call", pushCall, key("write deny-oom", 3, "Appends to a list by calling RPUSH.", "O(1)")},
		{"hello.push.call2", pushCall2, key("write deny-oom", 3, "Appends to a list by calling RPUSH, and passes its reply on.", "O(1)")},
		{"hello.list.sum.len", listSumLen, key("readonly", 2, "Returns the bytes of all elements of a list.", "O(N) where N is the length of the list")},
		{"hello.list.splice", listSplice, splice},
		{"hello.list.splice.auto", listSplice, splice},
		{"helloworld.rand", randomInt, plugin.CommandSpec{
			Flags: "readonly fast", Arity: 1, Summary: "Returns a random number.", Complexity: "O(1)"}},
		{"hello.rand.array", randArray, plugin.CommandSpec{
			Flags: "readonly", Arity: 2, Summary: "Returns random numbers.", Complexity: "O(N) where N is the count"}},
		{"hello.repl1", repl1, plugin.CommandSpec{
			Flags: "write", Arity: 1, Summary: "Replicates three commands of its own choice.", Complexity: "O(1)"}},
		{"hello.repl2", repl2, key("write", 2, "Adds one to every element of a list and returns their sum.", "O(N) where N is the length of the list")},
		{"hello.toggle.case", toggleCase, key("write", 2, "Swaps upper and lower case of a string value in place.", "O(N) where N is the length of the value")},
		{"hello.more.expire", moreExpire, key("write", 3, "Prolongs the time to live of a key by milliseconds.", "O(1)")},
		{"hello.counter", counter, key("write deny-oom", -2, "Adds to a number and returns it with its double.", "O(1)")},
		{"hello.zsumrange", zsumRange, key("readonly", 4, "Returns the sum of the scores in a range, computed in both directions.",
			"O(log(N)+M) where M is the number of members in the range")},
		{"hello.lexrange", lexRange, key("readonly", 6, "Returns members between two names and two ages.",
			"O(log(N)+M) where M is the number of members in the range")},
		{"hello.hcopy", hcopy, key("write deny-oom", 4, "Copies a field of a hash to another field.", "O(1)")},
		{"hello.leftpad", leftPad, plugin.CommandSpec{
			Flags: "readonly", Arity: 4, Summary: "Pads a string on the left.", Complexity: "O(N) where N is the length of the result"}},
	}
}

func main() {}
