package host

import (
	"fmt"
	"slices"
	"strings"

	"datastore/plugin"
	"datastore/server/command"
)

// literalOf makes the literal of a module's command, which lacks its handler and subcommands.
func literalOf(name string, spec plugin.CommandSpec) (command.Command, error) {
	c := command.Command{
		Name: name, Arity: spec.Arity, Flags: command.Module, Group: "module", Since: spec.Since, Summary: spec.Summary,
		Complexity: spec.Complexity, ACL: strings.Fields(strings.ToLower(spec.ACL)), Tips: strings.Fields(spec.Tips),
	}
	switch {
	case c.Arity == 0 && spec.Container:
		c.Arity = -2
	case c.Arity == 0:
		c.Arity = -1
	}
	for _, h := range spec.History {
		c.History = append(c.History, command.Change{Since: h.Since, What: h.Changes})
	}
	words := flagWords()
	for _, word := range strings.Fields(strings.ToLower(spec.Flags)) {
		f, known := words[word]
		if !known {
			return c, fmt.Errorf("%w: flag %q", plugin.ErrInvalid, word)
		}
		c.Flags |= f
	}
	for _, category := range c.ACL {
		if !slices.Contains(command.CategoryNames(), category) {
			return c, fmt.Errorf("%w: category %q", plugin.ErrInvalid, category)
		}
	}
	var err error
	if c.Keys, err = keySpecsOf(spec, c.Is(command.MovableKeys)); err != nil {
		return c, err
	}
	c.Args, err = argsOf(spec.Args, len(c.Keys))
	return c, err
}

// keySpecsOf converts where the keys of a command are.
func keySpecsOf(spec plugin.CommandSpec, asks bool) ([]command.KeySpec, error) {
	first, last, step := spec.FirstKey, spec.LastKey, spec.KeyStep
	triple := first != 0 || last != 0 || step != 0
	switch {
	case triple && len(spec.Keys) > 0:
		return nil, fmt.Errorf("%w: keys by FirstKey and by Keys", plugin.ErrInvalid)
	case spec.Container && (triple || asks || len(spec.Keys) > 0):
		return nil, fmt.Errorf("%w: a container has no keys", plugin.ErrInvalid)
	case !triple:
		return convertKeySpecs(spec.Keys)
	case first < 1 || step < 1 || last >= 0 && last < first:
		return nil, fmt.Errorf("%w: keys at %d to %d, step %d", plugin.ErrInvalid, first, last, step)
	}
	if last > 0 {
		last -= first // specs count from the first key
	}
	flags := command.RW | command.Access | command.Update
	if asks {
		flags |= command.VariableFlags // the handler tells
	}
	return []command.KeySpec{{Flags: flags, Index: first, LastKey: last, Step: step}}, nil
}

// convertKeySpecs converts key specifications.
func convertKeySpecs(specs []plugin.KeySpec) ([]command.KeySpec, error) {
	var converted []command.KeySpec
	for i := range specs {
		k := &specs[i]
		flags, ok := keyFlags(k.Flags)
		if !ok {
			return nil, fmt.Errorf("%w: flags of key specification %d", plugin.ErrInvalid, i)
		}
		if !beginsSomewhere(k) || !endsSomewhere(k) {
			return nil, fmt.Errorf("%w: key specification %d finds no keys", plugin.ErrInvalid, i)
		}
		converted = append(converted, command.KeySpec{
			Flags: flags, Notes: k.Notes, Index: k.Index, Keyword: k.Keyword, StartFrom: k.StartFrom,
			LastKey: k.LastKey, Step: k.Step, Limit: k.Limit, KeyNum: k.KeyNum, KeyNumIndex: k.KeyNumIndex, FirstKey: k.FirstKey,
			UnknownBegin: k.UnknownBegin, UnknownFind: k.UnknownFind,
		})
	}
	return converted, nil
}

// beginsSomewhere reports whether exactly one way to begin the search is given, and makes sense.
func beginsSomewhere(k *plugin.KeySpec) bool {
	switch {
	case k.UnknownBegin:
		return k.Index == 0 && k.Keyword == ""
	case k.Keyword != "":
		return k.Index == 0 && k.StartFrom != 0
	}
	return k.Index > 0 && k.StartFrom == 0
}

// endsSomewhere reports whether at most one way to find keys is given, and makes sense. A range needs nothing: it is one key.
func endsSomewhere(k *plugin.KeySpec) bool {
	isRange := k.LastKey != 0 || k.Limit != 0
	switch {
	case k.UnknownFind:
		return !isRange && !k.KeyNum
	case k.KeyNum:
		return !isRange && k.KeyNumIndex >= 0 && k.FirstKey >= 0 && k.FirstKey != k.KeyNumIndex && k.Step >= 0
	}
	return k.Step >= 0 && k.Limit >= 0 && (k.Limit == 0 || k.LastKey == -1) && k.KeyNumIndex == 0 && k.FirstKey == 0
}

// argsOf converts the documentation of arguments; keys is how many key specifications the command has.
func argsOf(specs []plugin.ArgSpec, keys int) ([]command.Arg, error) {
	var args []command.Arg
	for i := range specs {
		a := &specs[i]
		kind, ok := argKind(a.Type)
		composed := kind == command.ArgOneOf || kind == command.ArgBlock
		switch {
		case a.Name == "":
			return nil, fmt.Errorf("%w: an argument has no name", plugin.ErrInvalid)
		case !ok:
			return nil, fmt.Errorf("%w: argument %q of type %q", plugin.ErrInvalid, a.Name, a.Type)
		case kind == command.ArgKey && (a.KeySpecIndex < 0 || a.KeySpecIndex >= keys):
			return nil, fmt.Errorf("%w: argument %q refers to key specification %d", plugin.ErrInvalid, a.Name, a.KeySpecIndex)
		case composed != (len(a.Sub) > 0) || kind == command.ArgPureToken && a.Token == "":
			return nil, fmt.Errorf("%w: argument %q of type %q lacks its parts, or has none to have", plugin.ErrInvalid, a.Name, a.Type)
		}
		sub, err := argsOf(a.Sub, keys)
		if err != nil {
			return nil, err
		}
		args = append(args, command.Arg{
			Name: a.Name, Kind: kind, Token: a.Token, Summary: a.Summary, Since: a.Since, Deprecated: a.DeprecatedSince,
			KeySpec: a.KeySpecIndex, Optional: a.Optional, Multiple: a.Multiple, MultipleToken: a.MultipleToken, Args: sub,
		})
	}
	return args, nil
}

// argKind returns the kind of argument of that name; "" is a string.
func argKind(name string) (command.ArgKind, bool) {
	if name == "" {
		return command.ArgString, true
	}
	for k := command.ArgString; k <= command.ArgBlock; k++ {
		if k.String() == name {
			return k, true
		}
	}
	return 0, false
}

// bind gives a registered command what it runs.
func (h *Modules) bind(c *moduleCommand) {
	if c.handler == nil {
		return
	}
	c.literal.Handler = h.handlerOf(c)
	if c.literal.Is(command.MovableKeys) {
		c.literal.GetKeys = h.keysOf(c)
	}
}

// whole returns the literal of a command with its subcommands.
func (c *moduleCommand) whole() command.Command {
	literal := c.literal
	for _, other := range c.module.commands {
		if other.parent == c {
			literal.Subs = append(literal.Subs, other.literal)
		}
	}
	return literal
}

// in returns the command in a table.
func (c *moduleCommand) in(table *command.Table) *command.Command {
	if c.parent == nil {
		return table.Find([]byte(c.literal.Name))
	}
	if container := c.parent.in(table); container != nil {
		return container.Sub([]byte(c.literal.Name))
	}
	return nil
}
