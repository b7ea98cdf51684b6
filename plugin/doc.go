// Package plugin is the module SDK: the contract between the daemon and the Go plugins that add commands to it.
//
// It owns the declarations that both sides compile against, and nothing else. It refuses imports from outside the
// standard library, package state, and behaviour: whatever a module asks for is done by the host behind Ctx, Key and
// Cmd. A released version of this package never changes, not even in a comment, because Go refuses a plugin whose
// copy of a shared package differs by one line number.
//
// # A module
//
// A module is a main package that exports OnLoad:
//
//	package main
//
//	import "datastore/plugin"
//
//	func OnLoad(ctx plugin.Ctx, args []plugin.String) error {
//		if err := ctx.Init("hello", 1, plugin.APIVer2); err != nil {
//			return err
//		}
//		return ctx.CreateCommand("hello.push", push, plugin.CommandSpec{
//			Flags: "write deny-oom", FirstKey: 1, LastKey: 1, KeyStep: 1, Arity: 3,
//			Summary: "Appends an element to a list.", Since: "1.0.0", Complexity: "O(1)",
//		})
//	}
//
//	func push(ctx plugin.Ctx, args []plugin.String) error {
//		k, err := ctx.OpenKey(args[1], plugin.Read|plugin.Write)
//		if err != nil {
//			return err
//		}
//		if err := k.Check(plugin.KeyList); err != nil {
//			return err
//		}
//		if err := k.Push(plugin.Tail, args[2]); err != nil {
//			return err
//		}
//		return ctx.ReplyInt(int64(k.Len()))
//	}
//
//	func main() {}
//
// Build it with "datastore module build DIR", load it with "MODULE LOAD /path/hello.so ARG...". Test it with go test:
// datastore/plugin/plugintest runs the daemon with the module in the test's own process.
//
// # Loading
//
// OnLoad calls Init first and then registers. When it returns an error, or panics, nothing of what it registered
// stays. MODULE UNLOAD calls OnUnload, if the module exports one, and removes the registrations; the code stays mapped,
// because Go cannot unload it. A later MODULE LOAD of the same file calls OnLoad again on the same package variables
// without running init: reset your state in OnLoad.
//
// # Handlers
//
// Handlers run one at a time and see the whole keyspace standing still: they need no locks and must not wait. What a
// handler writes becomes visible to other clients, to the append-only file and to replicas as one unit when it returns.
//
//   - A handler that returns a ReplyError without having replied sends its text as the error reply.
//   - Any other returned error becomes "-ERR " and its text.
//   - An error returned after a complete reply is logged; the reply stays as it was written.
//   - A handler that returns nil without a reply is answered for with an error that says so.
//   - A panic becomes the error reply "-MODULEPANIC", and its stack is in the log. What was written until then stays and
//     is replicated.
//
// A panic in a goroutine that the module started itself, a stack overflow and os.Exit end the daemon.
//
// # Replies and calls
//
// Replies has one method for each kind of reply; RESP2 clients get what comes nearest. Calls runs commands of the server and
// hands out their replies, which Reply reads and ReplyReply passes on:
//
//	r, err := ctx.Call("HGETALL", "s", args[1])
//	if err != nil {
//		return err // nothing has run: the command does not exist, for example
//	}
//	if err := r.Err(); err != nil {
//		return err // the command has failed, with WRONGTYPE for example
//	}
//	for field, value := range r.Pairs() {
//
// Cmd is for handlers that run often: it makes the same calls and allocates nothing, whether arguments are given one by one
// or with a format, ctx.Cmd("HGETALL").Format("s", args[1]).Do().
//
// Open keys cost less than calls: no command is looked up, and no reply is written and read.
//
// # Keys
//
// OpenKey gives a handle of a key, whatever its type. The methods for lists begin with L (besides Push and Pop), those for
// sets with S, for hashes with H and for sorted sets with Z. A loop over a value costs no allocation:
//
//	sum := 0.0
//	for _, score := range k.ZRange(plugin.ScoreRange{Min: 1, Max: 100, MaxEx: true}) {
//		sum += score
//	}
//
// Do not write through the key within the loop: that ends it (see Key.IterErr). Other keys may be written.
//
// # Waiting
//
// A handler that has to wait blocks its client instead: Block until a goroutine has the answer, BlockOnKeys until a key
// does. Goroutines come from Ctx.Go, which the host looks after: a panic ends the goroutine only, and MODULE UNLOAD ends
// their context and waits for them. They have no Ctx, but get one with the execution lock for as long as they need the
// keyspace: Background.Do and BlockedClient.Do.
//
// # Lifetimes
//
//   - Ctx, args, Cmd: until the callback returns.
//   - Strings of an iterator and of ZCurrent: until the next step or the next write through the key.
//   - Strings of HGet, SRandom and SPop: until the callback returns.
//   - Strings of CreateString, RetainString, Pop and LGet: as long as you refer to them.
//   - Key: until Close, at the latest until the callback returns.
//   - the slice of DMA: until the next operation on its key.
//   - Reply: until Free, at the latest until the callback returns.
//   - BlockedClient: until Unblock or Abort; BlockOnKeys says when its handles end.
//   - Background: as long as the module is loaded.
//   - IO, Digest, OptCtx: until the method of the type returns.
//   - the value of a native type: as long as the key has it; copy it to keep it.
//   - memory of PoolAlloc: until the callback returns; of Alloc and its like: until Free.
//
// To keep an argument, use RetainString, or copy it with String.String.
//
// # Native types
//
// Types.CreateType registers a type of the module's own, whose values are Go values; CreateTypeOf does it for values that
// are pointers to a T. Key.SetValue stores a value, Key.Value returns it, and Key.Changed says that it was changed in place.
// The methods of the type write it to files and read it back. Where a module is not loaded its values are kept as bytes.
//
// # Memory
//
// What a module allocates as any Go program does, is on the heap of the daemon's process, which maxmemory bounds as a whole.
// Large data without pointers is better kept outside of it, with Memory.Alloc or Heap: the garbage collector does not look
// at it. Values of native types tell their size with AllocSize, so that MEMORY USAGE knows them.
//
// # Replication
//
// Call with "!", Replicate and ReplicateVerbatim decide what the append-only file and the replicas receive. A handler
// that wrote through keys and used none of the three is replicated by its effects: every write is recorded as the
// standard command that reproduces it. Replicas and a replay of the append-only file then need no module at all.
//
// # Errors
//
// Methods return the sentinels of this package, to be tested with errors.Is. ErrCommandNotFound, ErrBadFormat and
// ErrArity also are ErrInvalid. Returned from a handler unhandled, they reach the client as "-ERR" and their text. Call
// Key.Check before the operations of a type, and the client gets the "-WRONGTYPE" of the built-in commands instead.
//
// What can only be a mistake of the module, such as a second reply, is misuse: there is a line in the log, and INFO modules
// counts it for the module. In plugintest it makes the test fail.
//
// # What to skip
//
// Types whose names end in Impl, and the interfaces that they consist of (StringValue, ListValue, SetMembers, HashFields,
// ZSetMembers, NativeValue, Iteration), are the host's side of handles, and so are the exported fields of handles, Cursor and
// Cmd.Reset. Modules use the methods of the handles.
//
// # Rules
//
// The comments of interfaces and handles end with the numbers of the rules that they keep. scripts/conformance has the list
// of all rules, and makes the table of the tests that check them.
package plugin
