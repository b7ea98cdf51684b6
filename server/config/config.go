// Package config owns the directives of the daemon: their one table, the
// redis.conf syntax and the command line that set them, and the mechanics of
// CONFIG GET, CONFIG SET and CONFIG REWRITE.
//
// It refuses to act on a value: it opens no socket, changes no working
// directory, writes no log. Whoever owns a setting reads it from Values, or
// registers an applier with OnChange. It knows no client; whether a caller
// may change protected settings is told to it as an Origin.
//
// A directive is added by adding one literal to the table in table.go and,
// when the server reads it, one field to Values.
package config

import (
	"os"
	"strings"
)

// Config holds the value of every directive.
//
// Each value lives twice: as the text CONFIG GET shows (text, one entry per
// line of the table), and, for directives somebody reads, as a typed field of
// Values. assign is the only writer of both, so they cannot disagree. The
// alternative, to keep typed values only and render them on demand, needs a
// renderer for each type in addition to the parser and was rejected for it.
//
// Config has no lock. After Load it is read and written under the execution
// lock of the server: a reader of Values never sees half of a CONFIG SET.
type Config struct {
	values  Values
	text    []string // canonical value per directive
	given   []bool   // named by a file or by the command line
	foreign []bool   // named by an included file
	byName  map[string]int

	appliers map[int][]applier
	sources  map[int]func() [][]string

	file    string // absolute path of the file CONFIG REWRITE changes
	warned  []bool
	pending []string
}

type applier func(old, new string) error

// New returns a configuration in which every directive has its default. The
// default of dir is the working directory of the process.
func New() *Config {
	c := &Config{
		text:     make([]string, len(table)),
		given:    make([]bool, len(table)),
		foreign:  make([]bool, len(table)),
		warned:   make([]bool, len(table)),
		byName:   make(map[string]int, 2*len(table)),
		appliers: make(map[int][]applier),
		sources:  make(map[int]func() [][]string),
	}
	for i := range table {
		d := &table[i]
		c.byName[d.name] = i
		if d.alias != "" {
			c.byName[d.alias] = i
		}
		c.assign(i, d.def)
	}
	if wd, err := os.Getwd(); err == nil {
		c.assign(c.byName["dir"], wd)
	}
	return c
}

// Values returns the typed values. The pointer stays the same for the life of
// c; what it points to changes only inside Load, Set and Assign.
func (c *Config) Values() *Values { return &c.values }

// File returns the absolute path of the configuration file, empty when the
// server runs without one or read it from standard input.
func (c *Config) File() string { return c.file }

// Sensitive reports whether the value of name is a secret that must not reach
// a log, MONITOR or SLOWLOG. Names are matched without regard to case.
func (c *Config) Sensitive(name string) bool {
	i, ok := c.lookup(name)
	return ok && table[i].flags&sensitive != 0
}

// Assign sets a directive on behalf of the server itself, for example
// replicaof after a REPLICAOF command. It takes the words of a line of the
// file, ignores immutability and calls no applier.
func (c *Config) Assign(name string, words ...string) error {
	i, ok := c.lookup(name)
	if !ok {
		return unknownOption(name)
	}
	text, err := table[i].kind.parse(input{words: words, old: c.text[i]})
	if err != nil {
		return &SetError{Argument: table[i].name, Reason: err.Error()}
	}
	c.assign(i, text)
	c.warn()
	return nil
}

// Warnings returns one line for each directive that has been set to something
// other than its default and has no effect here. A directive is reported once
// in the life of c; a second call returns only what came since the first.
func (c *Config) Warnings() []string {
	w := c.pending
	c.pending = nil
	return w
}

func (c *Config) lookup(name string) (int, bool) {
	i, ok := c.byName[strings.ToLower(name)]
	return i, ok
}

// assign stores a canonical value in both of its places.
func (c *Config) assign(i int, text string) {
	d := &table[i]
	c.text[i] = text
	if d.field != nil {
		store(d.field(&c.values), d.kind, text)
	}
}

// warn notes the directives without effect that no longer have their default.
func (c *Config) warn() {
	for i := range table {
		d := &table[i]
		if d.flags&noEffect == 0 || c.text[i] == d.def || c.warned[i] {
			continue
		}
		c.warned[i] = true
		c.pending = append(c.pending,
			"directive '"+d.name+"' is accepted, but a value other than '"+d.def+"' has no effect here")
	}
}

// appendRow adds one line of a directive that may appear any number of times.
func (c *Config) appendRow(i int, words []string) {
	if table[i].field == nil {
		return
	}
	rows := table[i].field(&c.values).(*[][]string)
	*rows = append(*rows, words)
}
