package host

import (
	"datastore/keyspace"
	"datastore/plugin"
	"datastore/server/command"
	"datastore/server/resp"
)

// zConditions translates conditions; false for flags that are none, or that exclude each other.
func zConditions(flags plugin.ZFlags) (c keyspace.ZFlags, ok bool) {
	all := [...]struct {
		sdk plugin.ZFlags
		own keyspace.ZFlags
	}{{plugin.ZXX, keyspace.ZXX}, {plugin.ZNX, keyspace.ZNX}, {plugin.ZGT, keyspace.ZGT}, {plugin.ZLT, keyspace.ZLT}}
	for _, f := range all {
		if flags&f.sdk != 0 {
			flags &^= f.sdk
			c |= f.own
		}
	}
	const other = keyspace.ZXX | keyspace.ZGT | keyspace.ZLT
	contradict := c&keyspace.ZNX != 0 && c&other != 0 || c&keyspace.ZGT != 0 && c&keyspace.ZLT != 0
	return c, flags == 0 && !contradict
}

func zResult(r keyspace.ZFlags) plugin.ZFlags {
	switch {
	case r&keyspace.ZAdded != 0:
		return plugin.ZAdded
	case r&keyspace.ZUpdated != 0:
		return plugin.ZUpdated
	case r&keyspace.ZNop != 0:
		return plugin.ZNop
	}
	return 0
}

// ZAdd implements plugin.ZSetMembers. What is recorded has the score that came of it, and no condition.
func (k *key) ZAdd(score float64, m []byte, flags plugin.ZFlags, incr bool) (plugin.ZFlags, float64, error) {
	if err := k.forWrite(keyspace.TypeZSet); err != nil {
		return 0, 0, err
	}
	c, ok := zConditions(flags)
	switch {
	case !ok:
		return 0, 0, plugin.ErrInvalid
	case score != score:
		return 0, 0, plugin.ErrNotNumber
	case tooLong(m):
		return 0, 0, plugin.ErrTooLarge
	case incr:
		c |= keyspace.ZIncr
	}
	m = k.stable(m)
	result, now, err := k.zset.Add(score, m, c)
	if err != nil {
		return 0, 0, plugin.ErrNotNumber
	}
	if result&(keyspace.ZAdded|keyspace.ZUpdated) != 0 {
		k.writtenHandle()
		k.scratch = resp.AppendDouble(k.scratch[:0], now)
		k.frame.record(k.db, []byte("ZADD"), k.name, k.scratch, m)
	}
	return zResult(result), now, nil
}

// ZRem implements plugin.ZSetMembers.
func (k *key) ZRem(m []byte) (bool, error) {
	if err := k.forWrite(keyspace.TypeZSet); err != nil {
		return false, err
	}
	m = k.stable(m)
	removed := k.zset.Remove(m)
	if removed {
		k.writtenHandle()
		k.frame.record(k.db, []byte("ZREM"), k.name, m)
	}
	return removed, nil
}

// ZScore implements plugin.ZSetMembers.
func (k *key) ZScore(m []byte) (float64, error) {
	if err := k.forRead(keyspace.TypeZSet); err != nil {
		return 0, err
	}
	score, ok := k.zset.Score(m)
	if !ok {
		return 0, plugin.ErrNoElement
	}
	return score, nil
}

// ZRank implements plugin.ZSetMembers.
func (k *key) ZRank(m []byte) (int, error) {
	if err := k.forRead(keyspace.TypeZSet); err != nil {
		return 0, err
	}
	rank, _, ok := k.zset.Rank(m)
	if !ok {
		return 0, plugin.ErrNoElement
	}
	return rank, nil
}

// ZSeek implements plugin.ZSetMembers.
func (k *key) ZSeek(r plugin.ScoreRange, last bool) error {
	if err := k.begin(keyspace.TypeZSet); err != nil {
		return err
	}
	if r.Min != r.Min || r.Max != r.Max {
		k.Stop()
		return k.unbegun(plugin.ErrNotNumber)
	}
	k.iter.zset = k.zset.ScoreRange(keyspace.ScoreRange{Min: r.Min, Max: r.Max, MinEx: r.MinEx, MaxEx: r.MaxEx}, last)
	k.firstMember()
	return nil
}

// ZSeekLex implements plugin.ZSetMembers.
func (k *key) ZSeekLex(r plugin.LexRange, last bool) error {
	k.bounds = append(append(k.bounds[:0], r.Min.Bytes()...), r.Max.Bytes()...) // before the text of an element goes
	if err := k.begin(keyspace.TypeZSet); err != nil {
		return err
	}
	n := r.Min.Len()
	lo, loOK := command.ParseLexBound(k.bounds[:n])
	hi, hiOK := command.ParseLexBound(k.bounds[n:])
	if !loOK || !hiOK {
		k.Stop()
		return k.unbegun(plugin.ErrInvalid)
	}
	k.iter.zset = k.zset.LexRange(keyspace.LexRange{Min: lo, Max: hi}, last)
	k.firstMember()
	return nil
}

func (k *key) firstMember() {
	if !k.iter.zset.Next() {
		k.Stop()
		return
	}
	k.showMember()
}

// showMember makes the member where the iteration is the current one.
func (k *key) showMember() {
	it := &k.iter.zset
	k.Cursor.Elem, k.Cursor.Score = k.view(0, it.Member()), it.Score()
	k.Cursor.Active, k.Cursor.Moved = true, true
}

// ZStep implements plugin.ZSetMembers.
func (k *key) ZStep(back bool) bool {
	if !k.running() || !k.Cursor.Active {
		return false
	}
	if !k.iter.zset.Step(back) {
		k.Cursor.Moved = false
		return false
	}
	k.showMember()
	return true
}
