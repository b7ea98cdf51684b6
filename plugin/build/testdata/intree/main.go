// Command intree is a module inside the daemon's own source tree.
package main

import "datastore/plugin"

// OnLoad tells which build it is.
func OnLoad(ctx plugin.Ctx, args []plugin.String) error { return plugin.ReplyError("IN tree") }

func main() {}
