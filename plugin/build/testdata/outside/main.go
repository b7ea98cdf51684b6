// Command outside is a module with a go.mod, a helper package and a dependency of its own.
package main

import (
	"fmt"

	"datastore/plugin"
	"github.com/tidwall/resp"
	"golang.org/x/sys/unix"

	counter "example.com/outside/v2/inner"
)

// OnLoad tells the state of the helper package.
func OnLoad(ctx plugin.Ctx, args []plugin.String) error {
	v := resp.IntegerValue(counter.Next())
	return plugin.ReplyError(fmt.Sprintf("%s %d %d", counter.Name, v.Integer(), unix.O_RDONLY))
}

func main() {}
