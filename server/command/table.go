package command

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// NewTable indexes commands; names must be unique. The literals are copied, so a table never changes.
// Statistics are kept across tables by name: a command that stands in prev keeps its counters.
func NewTable(prev *Table, commands ...[]Command) (*Table, error) {
	t := &Table{}
	for _, group := range commands {
		for i := range group {
			c := group[i]
			prepare(&c, nil)
			t.list = append(t.list, &c)
		}
	}
	sort.Slice(t.list, func(i, j int) bool { return t.list[i].Name < t.list[j].Name })
	size := uint32(16)
	for int(size) < 4*len(t.list) {
		size *= 2
	}
	t.slots, t.mask = make([]*Command, size), size-1
	for _, c := range t.list {
		i, found := t.slot([]byte(c.Name))
		if found {
			return nil, fmt.Errorf("command %q is registered twice", c.Name)
		}
		t.slots[i] = c
		c.keepStats(prev)
	}
	return t, nil
}

func (c *Command) keepStats(prev *Table) {
	if prev != nil {
		if old := prev.Find([]byte(c.Name)); old != nil && old.ModuleName == c.ModuleName {
			c.Stats = old.Stats
			for _, s := range c.subs {
				if o := old.Sub([]byte(s.Name)); o != nil {
					s.Stats = o.Stats
				}
			}
		}
	}
}

// prepare fills the derived fields of a command and of its subcommands.
func prepare(c *Command, parent *Command) {
	c.parent, c.full, c.upper, c.Stats = parent, c.Name, strings.ToUpper(c.Name), &Stats{}
	if parent != nil {
		c.full = parent.Name + "|" + c.Name
	}
	var covered bool
	c.first, c.last, c.step, covered = legacyRange(c.Keys)
	c.collection = slices.Contains([]string{"list", "hash", "set", "sorted-set"}, c.Group)
	if !covered {
		c.Flags |= MovableKeys
	}
	for _, k := range c.Keys {
		if k.Flags&Incomplete != 0 {
			c.Flags |= MovableKeys
		}
	}
	c.categories = categories(c)
	if len(c.Subs) == 0 {
		return
	}
	subs := slices.Clone(c.Subs)
	c.Subs, c.subs = subs, make(map[string]*Command, len(subs))
	for i := range subs {
		prepare(&subs[i], c)
		c.subs[subs[i].Name] = &subs[i]
	}
}

// legacyRange computes the triple of COMMAND. It covers the specs that name a contiguous range from an index on; covered
// is false when there are others, whose keys only a client that reads the specs can find.
func legacyRange(keys []KeySpec) (first, last, step int, covered bool) {
	covered = true
	for i := range keys {
		k := &keys[i]
		isRange := k.Keyword == "" && !k.KeyNum && !k.UnknownBegin && !k.UnknownFind
		alone := len(keys) == 1 // a single range may have any step
		if !isRange || !alone && (k.Step > 1 || last != 0 && k.Index != last+1) {
			covered = false
			continue
		}
		if first == 0 {
			first, step = k.Index, max(k.Step, 1)
		}
		last = k.LastKey
		if last >= 0 {
			last += k.Index
		}
	}
	return first, last, step, covered
}

// groupCategories are the ACL categories that come with a group.
var groupCategories = map[string]string{
	"string": "string", "list": "list", "set": "set", "sorted-set": "sortedset", "hash": "hash", "bitmap": "bitmap",
	"hyperloglog": "hyperloglog", "geo": "geo", "transactions": "transaction",
}

// CategoryNames lists the ACL categories in the order of ACL CAT, in which COMMAND INFO shows them as well.
func CategoryNames() []string {
	return []string{
		"keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo",
		"stream", "pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting",
	}
}

// categories derives the ACL categories that flags and group imply and adds the explicit ones, in CategoryNames's order;
// those of modules follow.
func categories(c *Command) []string {
	has := map[string]bool{
		"write": c.Is(Write), "read": c.Is(ReadOnly) && !slices.Contains(c.ACL, "scripting"),
		"admin": c.Is(Admin), "dangerous": c.Is(Admin), "pubsub": c.Is(PubSub), "blocking": c.Is(Blocking),
		"fast": c.Is(Fast), "slow": !c.Is(Fast),
	}
	if name := groupCategories[c.Group]; name != "" {
		has[name] = true
	}
	for _, name := range c.ACL {
		has[name] = true
	}
	var out []string
	for _, name := range CategoryNames() {
		if has[name] {
			out = append(out, name)
		}
	}
	for _, name := range c.ACL {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// Categories returns the ACL categories without "@".
func (c *Command) Categories() []string { return c.categories }

// All returns the commands ordered by name; the slice must not be changed.
func (t *Table) All() []*Command { return t.list }

// Find returns the command of that name in any case, or nil.
func (t *Table) Find(name []byte) *Command {
	i, found := t.slot(name)
	if !found {
		return nil
	}
	return t.slots[i]
}

// Resolve returns the command that args call, descending into subcommands; nil when there is none.
func (t *Table) Resolve(args [][]byte) *Command {
	c := t.Find(args[0])
	if c == nil || !c.HasSubs() {
		return c
	}
	if len(args) > 1 {
		if s := c.Sub(args[1]); s != nil {
			return s
		}
		return nil
	}
	return c
}

// slot returns the position of name, or the free one where it would go. Names hash in words of eight bytes, in lower case,
// so that a lookup costs a few nanoseconds and no allocation.
func (t *Table) slot(name []byte) (uint32, bool) {
	h := hashName(name)
	for i := uint32(h>>32) & t.mask; ; i = (i + 1) & t.mask {
		c := t.slots[i]
		if c == nil {
			return i, false
		}
		if string(name) == c.upper || equalFold(c.Name, name) {
			return i, true
		}
	}
}

func hashName(name []byte) uint64 {
	const (
		multiplier = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio
		lowerBits  = 0x2020202020202020
	)
	h := uint64(len(name)) * multiplier
	for len(name) >= 8 {
		h = (h ^ (binary.LittleEndian.Uint64(name) | lowerBits)) * multiplier
		h ^= h >> 29
		name = name[8:]
	}
	rest := uint64(0)
	for _, b := range name {
		rest = rest<<8 | uint64(b|0x20)
	}
	h = (h ^ rest) * multiplier
	return h ^ h>>29
}

// equalFold compares a lower-case name with bytes in any case.
func equalFold(lowerName string, b []byte) bool {
	if len(lowerName) != len(b) {
		return false
	}
	if string(b) == lowerName {
		return true
	}
	for i := range b {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lowerName[i] {
			return false
		}
	}
	return true
}

func lower(dst, src []byte) []byte {
	for _, c := range src {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// KeysAt appends the keys in args to dst. ok is false when the arguments do not fit the command's key specifications.
// GetKeys is asked where they say that their flags vary, and where they fail.
func (c *Command) KeysAt(args [][]byte, dst []KeyAt) (keys []KeyAt, ok bool) {
	n := len(dst)
	if c.GetKeys == nil || len(c.Keys) > 0 && !c.varies() {
		keys, ok = c.keysBySpec(args, dst)
		if ok || c.GetKeys == nil {
			return keys, ok
		}
	}
	keys = c.GetKeys(args, dst[:n])
	return keys, len(keys) > n
}

// varies reports whether what the command does to a key depends on its arguments.
func (c *Command) varies() bool {
	for i := range c.Keys {
		if c.Keys[i].Flags&VariableFlags != 0 {
			return true
		}
	}
	return false
}

func (c *Command) keysBySpec(args [][]byte, dst []KeyAt) (keys []KeyAt, ok bool) {
	for i := range c.Keys {
		flags := c.Keys[i].Flags
		if flags&VariableFlags != 0 && c.KeyFlags != nil {
			flags = c.KeyFlags(args)
		}
		if dst, ok = c.Keys[i].find(args, flags, dst); !ok {
			return dst, false
		}
	}
	return dst, true
}

func (k *KeySpec) find(args [][]byte, flags KeyFlags, dst []KeyAt) (keys []KeyAt, ok bool) {
	if k.UnknownBegin || k.UnknownFind {
		return dst, false
	}
	begin := k.Index
	if k.Keyword != "" {
		if begin = k.findKeyword(args); begin == 0 {
			return dst, true // the keyword is optional
		}
	}
	step := max(k.Step, 1)
	first, last := begin, begin+k.LastKey
	switch {
	case k.KeyNum:
		pos := begin + k.KeyNumIndex
		n := 0
		if pos >= len(args) {
			return dst, false
		}
		for _, c := range args[pos] {
			if c < '0' || c > '9' || n > len(args) {
				return dst, false
			}
			n = n*10 + int(c-'0')
		}
		first = begin + k.FirstKey
		last = first + (n-1)*step
	case k.LastKey < 0:
		last = len(args) + k.LastKey
		if k.LastKey == -1 && k.Limit > 1 {
			last = begin + (len(args)-begin)/k.Limit - 1
		}
	}
	if last >= len(args) || first >= len(args) || last < first {
		return dst, false
	}
	for p := first; p <= last; p += step {
		dst = append(dst, KeyAt{p, flags})
	}
	return dst, true
}

func (k *KeySpec) findKeyword(args [][]byte) int {
	want := strings.ToLower(k.Keyword)
	if k.StartFrom >= 0 {
		for i := k.StartFrom; i < len(args)-1; i++ {
			if equalFold(want, args[i]) {
				return i + 1
			}
		}
		return 0
	}
	for i := len(args) + k.StartFrom; i > 0; i-- {
		if equalFold(want, args[i]) && i+1 < len(args) {
			return i + 1
		}
	}
	return 0
}
