package server

import (
	"io"

	"datastore/aof"
	"datastore/keyspace"
	"datastore/server/resp"
)

// rewriter writes the dataset as the commands that make it, for an append-only file without RDB (aof-use-rdb-preamble no).
type rewriter struct {
	s      *Server
	out    *aof.CommandWriter
	unit   []byte
	digits []byte
	args   [][]byte
}

// rewriteItems is how many elements a command has at most, as in Redis.
const rewriteItems = 64

// saveCommands writes the dataset as commands, as of now; the caller holds the lock.
func (s *Server) saveCommands(w io.Writer) error {
	r := &rewriter{s: s, out: aof.NewCommandWriter(w)}
	for i := range s.store.Databases() {
		d := s.store.DB(i)
		if d.Len() == 0 {
			continue
		}
		r.command([]byte("SELECT"), r.number(int64(i)))
		for e := range d.Records() {
			if err := r.key(e); err != nil {
				return err
			}
		}
	}
	return r.out.Err()
}

// command writes one command.
func (r *rewriter) command(args ...[]byte) {
	r.unit = resp.AppendCommand(r.unit[:0], args...)
	r.out.Unit(r.unit)
}

func (r *rewriter) number(n int64) []byte {
	r.digits = resp.AppendInt(r.digits[:0], n)
	return r.digits
}

// key writes what makes a key.
func (r *rewriter) key(e keyspace.Entry) error {
	switch e.Type() {
	case keyspace.TypeString:
		r.begin("SET", e.Key())
		r.add(e.Str())
		r.flush()
	case keyspace.TypeList:
		l := e.List()
		r.begin("RPUSH", e.Key())
		for it := l.Iter(0, false); it.Next(); {
			r.add(it.Value())
			r.full(1)
		}
		r.flush()
	case keyspace.TypeSet:
		set := e.Set()
		r.begin("SADD", e.Key())
		for it := set.Iter(); it.Next(); {
			r.add(it.Value())
			r.full(1)
		}
		r.flush()
	case keyspace.TypeZSet, keyspace.TypeHash:
		r.pairs(e)
	case keyspace.TypeNative:
		if err := r.s.modules.host.Rewrite(e, func(args [][]byte) { r.command(args...) }); err != nil {
			return err
		}
	}
	if at := e.ExpireAt(); at != keyspace.NoExpiry {
		r.command([]byte("PEXPIREAT"), e.Key(), r.number(at))
	}
	return r.out.Err()
}

// pairs writes what makes a sorted set or a hash.
func (r *rewriter) pairs(e keyspace.Entry) {
	if e.Type() == keyspace.TypeHash {
		h := e.Hash()
		r.begin("HSET", e.Key())
		for it := h.Iter(); it.Next(); {
			r.add(it.Field())
			r.add(it.Value())
			r.full(2)
		}
		r.flush()
		return
	}
	z := e.ZSet()
	r.begin("ZADD", e.Key())
	for it := z.RankRange(0, z.Len()-1, false); it.Next(); {
		r.args = append(r.args, resp.AppendDouble(nil, it.Score()))
		r.add(it.Member())
		r.full(2)
	}
	r.flush()
}

// begin starts a command about a key.
func (r *rewriter) begin(name string, key []byte) {
	r.args = append(r.args[:0], []byte(name), key)
}

// add adds an element to the command.
func (r *rewriter) add(v keyspace.Value) {
	text := v.Bytes
	if v.IsInt() {
		text = v.AppendTo(nil)
	}
	r.args = append(r.args, text)
}

// full writes the command when it has as many elements, of so many arguments each, as it may have.
func (r *rewriter) full(each int) {
	if len(r.args)-2 >= rewriteItems*each {
		r.command(r.args...)
		r.args = r.args[:2]
	}
}

// flush writes the command if it has elements.
func (r *rewriter) flush() {
	if len(r.args) > 2 {
		r.command(r.args...)
	}
}
