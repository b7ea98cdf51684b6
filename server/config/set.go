package config

import (
	"strings"

	"datastore/server/glob"
)

// Get answers CONFIG GET: the directives that match one of the patterns, each
// once, in the order of the patterns and then of the table. A pattern without
// wildcards gives the name as the caller wrote it. Sizes are plain numbers of
// bytes. Secrets are returned like any value; see Sensitive.
func (c *Config) Get(patterns []string) (names, values []string) {
	seen := make(map[string]bool)
	add := func(name string, i int) {
		if key := strings.ToLower(name); !seen[key] {
			seen[key] = true
			names = append(names, name)
			values = append(values, c.text[i])
		}
	}
	for _, pattern := range patterns {
		if !strings.ContainsAny(pattern, "*?[") {
			if i, ok := c.lookup(pattern); ok && table[i].flags&fileOnly == 0 {
				add(pattern, i)
			}
			continue
		}
		for i := range table {
			d := &table[i]
			if d.flags&(fileOnly|hidden) != 0 {
				continue
			}
			if glob.MatchFold([]byte(pattern), []byte(d.name)) {
				add(d.name, i)
			}
			if d.alias != "" && glob.MatchFold([]byte(pattern), []byte(d.alias)) {
				add(d.alias, i)
			}
		}
	}
	return names, values
}

// OnChange registers f to put a new value of the directive in force. It is
// called by Set, after all values of the call are assigned, when the value
// differs from the one before; an error undoes the whole call, and its text is
// the reason the client sees. f is called again with the values exchanged when
// a later applier fails. An unknown name panics: it is a mistake of the caller.
func (c *Config) OnChange(name string, f func(old, new string) error) {
	i, ok := c.lookup(name)
	if !ok {
		panic("config: no directive " + name)
	}
	c.appliers[i] = append(c.appliers[i], f)
}

// A change is one directive of a CONFIG SET.
type change struct {
	index    int
	name     string // by which of its names, in lower case
	value    string // argument, as given
	old, new string // canonical
}

// Set answers CONFIG SET: all pairs take effect or none does. The errors are
// *UnknownOptionError and *SetError, whose text is the reply.
func (c *Config) Set(pairs [][2]string, from Origin) error {
	changes, err := c.resolve(pairs, from)
	if err != nil {
		return err
	}
	for k := range changes {
		ch := &changes[k]
		d := &table[ch.index]
		words := []string{ch.value}
		if d.kind.multi() {
			words = strings.Split(ch.value, " ")
		}
		ch.old = c.text[ch.index]
		if ch.new, err = d.kind.parse(input{words: words, old: ch.old}); err != nil {
			c.restore(changes[:k])
			return &SetError{Argument: ch.name, Reason: err.Error()}
		}
		c.assign(ch.index, ch.new)
	}
	if err := c.apply(changes); err != nil {
		return err
	}
	c.warn()
	return nil
}

// resolve finds the directives and refuses those that may not be set.
func (c *Config) resolve(pairs [][2]string, from Origin) ([]change, error) {
	changes := make([]change, 0, len(pairs))
	seen := make(map[string]bool, len(pairs))
	for _, pair := range pairs {
		name := strings.ToLower(pair[0])
		i, ok := c.byName[name]
		if !ok || table[i].flags&fileOnly != 0 {
			return nil, unknownOption(pair[0])
		}
		var err error
		switch {
		case table[i].flags&immutable != 0:
			err = errImmutable
		case table[i].flags&protected != 0 && !c.values.EnableProtectedConfigs.Allows(from):
			err = errProtected
		case seen[name]:
			err = errDuplicate
		}
		if err != nil {
			return nil, &SetError{Argument: pair[0], Reason: err.Error()}
		}
		seen[name] = true
		changes = append(changes, change{index: i, name: name, value: pair[1]})
	}
	return changes, nil
}

// restore takes assigned changes back, the last first.
func (c *Config) restore(changes []change) {
	for k := len(changes) - 1; k >= 0; k-- {
		c.assign(changes[k].index, changes[k].old)
	}
}

// apply calls the appliers of the changes in order. When one fails, those that
// had succeeded are called with the values exchanged; their errors then have
// nobody to go to.
func (c *Config) apply(changes []change) error {
	var undo []func()
	for _, ch := range changes {
		if ch.old == ch.new {
			continue
		}
		for _, f := range c.appliers[ch.index] {
			err := f(ch.old, ch.new)
			if err == nil {
				undo = append(undo, func() { _ = f(ch.new, ch.old) })
				continue
			}
			c.restore(changes)
			for k := len(undo) - 1; k >= 0; k-- {
				undo[k]()
			}
			return &SetError{Argument: ch.name, Reason: err.Error()}
		}
	}
	return nil
}
