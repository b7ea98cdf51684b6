// Command helped is a module inside the daemon's source tree with a helper package, which cannot be upgraded there.
package main

import (
	"datastore/plugin"
	"datastore/plugin/build/testdata/helped/inner"
)

// OnLoad uses the helper.
func OnLoad(ctx plugin.Ctx, args []plugin.String) error { return plugin.ReplyError(inner.Name) }

func main() {}
