package keyspace

import (
	"crypto/sha1"
	"encoding/binary"
	"math"
	"strconv"
)

// Digest is a SHA-1 sum of a whole dataset or of one value. It does not depend on the order of keys, members and fields,
// nor on encodings, and equals what DEBUG DIGEST of Redis answers for the same data.
type Digest [sha1.Size]byte

// xor mixes b in without order: the same elements in any order give the same digest.
func (d *Digest) xor(b []byte) {
	h := sha1.Sum(b)
	for i := range d {
		d[i] ^= h[i]
	}
}

// mix mixes b in so that the order counts.
func (d *Digest) mix(b []byte) {
	d.xor(b)
	*d = sha1.Sum(d[:])
}

func (d *Digest) mixUint32(n uint32) {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	d.mix(b[:])
}

// Digest returns the digest of all databases; keys whose time has come are left out.
func (s *Store) Digest() Digest {
	var sum Digest
	for _, db := range s.dbs {
		empty := true // also with nothing but dead keys
		for e := range db.All() {
			if empty {
				empty = false
				sum.mixUint32(uint32(db.index))
			}
			var d Digest
			d.mix(e.Key())
			e.digest(&d)
			sum.xor(d[:])
		}
	}
	return sum
}

// Digest returns the digest of the value; zeros for a missing key.
func (e Entry) Digest() Digest {
	var d Digest
	if e.r != 0 {
		e.digest(&d)
	}
	return d
}

// scoreText formats a score as C's "%.17g" does.
func scoreText(score float64) []byte {
	switch {
	case math.IsInf(score, 1):
		return []byte("inf")
	case math.IsInf(score, -1):
		return []byte("-inf")
	}
	return strconv.AppendFloat(nil, score, 'g', 17, 64)
}

func (e Entry) digest(d *Digest) {
	d.mixUint32(uint32(e.Type() - TypeString))
	var t1, t2 [24]byte
	switch e.Type() {
	case TypeString:
		d.mix(textOf(e.Str(), &t1))
	case TypeList:
		l := e.List()
		for it := l.Iter(0, false); it.Next(); {
			d.mix(textOf(it.Value(), &t1))
		}
	case TypeSet:
		s := e.Set()
		for it := s.Iter(); it.Next(); {
			d.xor(textOf(it.Value(), &t1))
		}
	case TypeZSet:
		z := e.ZSet()
		for it := z.RankRange(0, z.Len()-1, false); it.Next(); {
			var el Digest
			el.mix(textOf(it.Member(), &t1))
			el.mix(scoreText(it.Score()))
			d.xor(el[:])
		}
	case TypeHash:
		h := e.Hash()
		for it := h.Iter(); it.Next(); {
			var el Digest
			el.mix(textOf(it.Field(), &t1))
			el.mix(textOf(it.Value(), &t2))
			d.xor(el[:])
		}
	case TypeNative:
		e.digestNative(d)
	}
	if e.ExpireAt() != noExpiry {
		d.xor([]byte("!!expire!!"))
	}
}
