package builtin

import (
	"errors"

	"datastore/keyspace"
	"datastore/keyspace/rdb"
	"datastore/server/command"
	"datastore/server/resp"
)

// dumpTable describes the commands that turn a value into bytes and back.
func dumpTable() []command.Command {
	return []command.Command{
		{
			Name: "dump", Arity: 2, Group: "generic", Since: "2.6.0",
			Flags:      command.ReadOnly,
			ACL:        []string{"keyspace"},
			Tips:       []string{"nondeterministic_output"},
			Keys:       []command.KeySpec{{Flags: command.RO | command.Access, Index: 1}},
			Summary:    "Answers the value of a key in a form that RESTORE takes",
			Complexity: "O(1) to find the key, and O(N*M) to write the value, where N is the number of its elements and M their average size. It is O(1)+O(1*M) for a string, so O(1) for a small one.",
			Args:       []command.Arg{{Name: "key", Kind: command.ArgKey}},
			Handler:    dump,
		},
		{
			Name: "restore", Arity: -4, Group: "generic", Since: "2.6.0",
			Flags:      command.Write | command.DenyOOM,
			ACL:        []string{"keyspace", "dangerous"},
			Keys:       []command.KeySpec{{Flags: command.OW | command.Update, Index: 1}},
			Summary:    "Creates a key from what DUMP answered",
			Complexity: "O(1) to create the key, and O(N*M) to read the value, where N is the number of its elements and M their average size; O(N*M*log(N)) for a sorted set.",
			History: []command.Change{
				{Since: "3.0.0", What: "Added the `REPLACE` modifier."},
				{Since: "5.0.0", What: "Added the `ABSTTL` modifier."},
				{Since: "5.0.0", What: "Added the `IDLETIME` and `FREQ` options."},
			},
			Args: []command.Arg{
				{Name: "key", Kind: command.ArgKey},
				{Name: "ttl", Kind: command.ArgInteger},
				{Name: "serialized-value", Kind: command.ArgString},
				{Name: "replace", Kind: command.ArgPureToken, Token: "REPLACE", Since: "3.0.0", Optional: true},
				{Name: "absttl", Kind: command.ArgPureToken, Token: "ABSTTL", Since: "5.0.0", Optional: true},
				{Name: "seconds", Kind: command.ArgInteger, Token: "IDLETIME", Since: "5.0.0", Optional: true},
				{Name: "frequency", Kind: command.ArgInteger, Token: "FREQ", Since: "5.0.0", Optional: true},
			},
			Handler: restore,
		},
	}
}

func dump(c *command.Ctx) error {
	e := c.DB.Lookup(c.Args[1])
	if !e.Exists() {
		c.W.Null()
		return nil
	}
	payload, err := rdb.Dump(c.Scratch[:0], e)
	if err != nil {
		return command.Errorf("ERR " + err.Error()) // of a module's type
	}
	if cap(payload) <= keptDumpBytes {
		c.Scratch = payload
	}
	c.W.Bulk(payload)
	return nil
}

// keptDumpBytes is the capacity of a payload's buffer that is kept for the next one.
const keptDumpBytes = 1 << 20

// restoreOptions are the options of RESTORE. The frequency is checked and forgotten: keys have an access clock here.
type restoreOptions struct {
	replace, absTTL bool
	idleSeconds     int64 // -1 for none
	freq            int64 // -1 for none
}

func parseRestoreOptions(c *command.Ctx) (o restoreOptions, err error) {
	o = restoreOptions{idleSeconds: -1, freq: -1}
	for i := 4; i < len(c.Args); i++ {
		more := i+1 < len(c.Args)
		switch {
		case c.Is(i, "REPLACE"):
			o.replace = true
		case c.Is(i, "ABSTTL"):
			o.absTTL = true
		case c.Is(i, "IDLETIME") && more && o.freq == -1:
			i++
			if o.idleSeconds, err = c.Int(i); err != nil {
				return o, err
			}
			if o.idleSeconds < 0 {
				return o, errRestoreIdle
			}
		case c.Is(i, "FREQ") && more && o.idleSeconds == -1:
			i++
			if o.freq, err = c.Int(i); err != nil {
				return o, err
			}
			if o.freq < 0 || o.freq > 255 {
				return o, errRestoreFreq
			}
		default:
			return o, command.ErrSyntax
		}
	}
	return o, nil
}

func restore(c *command.Ctx) error {
	o, err := parseRestoreOptions(c)
	if err != nil {
		return err
	}
	key := c.Args[1]
	if !o.replace && c.DB.Exists(key) {
		return errBusyKey
	}
	ttl, err := c.Int(2)
	switch {
	case err != nil:
		return err
	case ttl < 0:
		return errRestoreTTL
	}
	at := ttl
	if ttl > 0 && !o.absTTL {
		at += c.NowMs
	}
	if at != 0 && at <= c.NowMs && !c.Client.FromStream {
		return restoreDead(c, o.replace)
	}
	m := keyspace.Meta{ExpireMs: keyspace.NoExpiry, IdleSeconds: o.idleSeconds}
	if at != 0 {
		m.ExpireMs = at
	}
	if err := rdb.RestoreOver(c.DB, key, c.Args[3], m); err != nil {
		return restoreError(err)
	}
	if at != ttl {
		args := append([][]byte{}, c.Args...)
		args[2] = resp.AppendInt(nil, at)
		c.Effects.Replace(c.Selected(), append(args, []byte("ABSTTL"))...)
	}
	c.W.OK()
	return nil
}

// restoreDead is a RESTORE of a key whose time has come: with REPLACE it deletes the one that is there.
func restoreDead(c *command.Ctx, replace bool) error {
	if err := rdb.Verify(c.DB, c.Args[3]); err != nil {
		return restoreError(err)
	}
	if replace && c.DB.Delete(c.Args[1]) {
		c.Effects.Replace(c.Selected(), []byte("DEL"), c.Args[1])
	}
	c.W.OK()
	return nil
}

// restoreError is what a client sees of a payload that was refused.
func restoreError(err error) error {
	if errors.Is(err, rdb.ErrChecksum) || errors.Is(err, rdb.ErrVersion) {
		return errDumpChecksum
	}
	return errDumpFormat
}
