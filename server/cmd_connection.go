package server

import (
	"strings"

	"datastore/server/command"
)

func ping(c *command.Ctx) error {
	switch len(c.Args) {
	case 1:
		c.W.Status("PONG")
	case 2:
		c.W.Bulk(c.Args[1])
	default:
		return command.ErrArity("ping")
	}
	return nil
}

func echo(c *command.Ctx) error {
	c.W.Bulk(c.Args[1])
	return nil
}

func selectDB(c *command.Ctx) error {
	n, err := c.Int(1)
	if err != nil {
		return err
	}
	if n < 0 || n >= int64(c.Store.Databases()) {
		return command.ErrDBRange
	}
	c.Client.DB = int(n)
	c.W.OK()
	return nil
}

func quit(c *command.Ctx) error {
	if o, ok := c.Client.Owner.(*conn); ok {
		o.kill(true)
	}
	c.W.OK()
	return nil
}

var errResetKind = command.Errorf("ERR can only reset normal connections")

// reset puts the connection back into the state in which it was accepted.
func (s *Server) reset(c *command.Ctx) error {
	o, ok := c.Client.Owner.(*conn)
	if !ok || o.replica != nil {
		return errResetKind
	}
	s.endTransaction(o)
	o.DB, o.Name, o.User = 0, "", defaultUser
	o.Proto, c.W.Proto = 2, 2
	o.NoTouch, o.noEvict, o.replyOff, o.replySkip = false, false, false, 0
	o.Authed, o.strangeMs = s.values.RequirePass == "", s.monoMs()
	c.W.Status("RESET")
	return nil
}

// containerHelp lists the subcommands of a container from their literals.
func containerHelp(c *command.Ctx) error {
	container := c.Cmd.Parent()
	c.W.Array(1 + 2*len(container.Subs))
	c.W.Status(strings.ToUpper(container.Name) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
	for i := range container.Subs {
		sub := &container.Subs[i]
		c.W.Status(strings.ToUpper(sub.Name) + usage(sub.Args, " "))
		c.W.Status("    " + sub.Summary + ".")
	}
	return nil
}

// usage renders documented arguments as a line of HELP, each with lead before it.
func usage(args []command.Arg, lead string) string {
	var b strings.Builder
	for i := range args {
		if i > 0 || lead == " " {
			b.WriteString(lead)
		}
		a := &args[i]
		text := usageOf(a)
		if a.Multiple {
			text += " [" + text + " ...]"
		}
		if a.Optional {
			text = "[" + text + "]"
		}
		b.WriteString(text)
	}
	return b.String()
}

func usageOf(a *command.Arg) string {
	text := ""
	switch a.Kind {
	case command.ArgPureToken:
		return a.Token
	case command.ArgOneOf:
		text = usage(a.Args, "|")
		if !a.Optional {
			text = "(" + text + ")"
		}
	case command.ArgBlock:
		text = strings.TrimPrefix(usage(a.Args, " "), " ")
	default:
		text = "<" + a.Name + ">"
	}
	if a.Token != "" {
		text = a.Token + " " + text
	}
	return text
}
