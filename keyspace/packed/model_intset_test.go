package packed_test

import (
	"bytes"
	"encoding/binary"
	"slices"

	"datastore/keyspace/packed"
)

const setBits = 11 // of the most integers that the model test aims at

func (m *churn) renewSet() {
	m.set, m.ints, m.width = packed.NewIntset(nil), nil, 2
	m.narrow, m.setAbout = 1+m.c.IntN(64), 1+m.c.Magnitude(setBits)
}

// stepSet makes an operation on the intset. Its integers become wider with time, until it is renewed.
func (m *churn) stepSet() {
	n := m.integer()
	pos, has := slices.BinarySearch(m.ints, n)
	if got, ok := packed.IntsetFind(m.set, n); ok != has || got != pos {
		m.fatal("IntsetFind(%d) is %d, %v; want %d, %v", n, got, ok, pos, has)
	}
	switch k := m.c.IntN(1 << 10); {
	case k == 0 && m.c.OneIn(4):
		m.renewSet()
	case k < 4:
		m.narrow = min(m.narrow+m.c.IntN(9), 64)
	case m.c.IntN(10) < 3 != (len(m.ints) < m.setAbout):
		m.add(n, pos, has)
	default:
		m.take(n, pos, has)
	}
	if got := packed.IntsetLen(m.set); got != len(m.ints) {
		m.fatal("IntsetLen is %d", got)
	}
	if i := m.c.IntN(len(m.ints) + 1); i < len(m.ints) {
		if got := packed.IntsetAt(m.set, i); got != m.ints[i] {
			m.fatal("IntsetAt(%d) is %d, want %d", i, got, m.ints[i])
		}
	}
}

// integer chooses one that may be there, of the present width or less, or a limit of the widths.
func (m *churn) integer() int64 {
	switch {
	case m.c.OneIn(4) && len(m.ints) > 0:
		return m.ints[m.c.IntN(len(m.ints))]
	case m.c.OneIn(64):
		n := m.number()
		if m.narrow < 64 {
			n = n << (64 - m.narrow) >> (64 - m.narrow)
		}
		return n
	}
	bits := 1 + m.c.IntN(m.narrow)
	return int64(m.c.Uint64()) << (64 - bits) >> (64 - bits)
}

func (m *churn) add(n int64, pos int, has bool) {
	m.set = m.within("IntsetAdd", m.set, packed.IntsetGrown(m.set, n), func(b []byte) []byte {
		b, added := packed.IntsetAdd(b, n)
		if added == has {
			m.fatal("IntsetAdd(%d): new %v", n, added)
		}
		return b
	})
	if !has {
		m.ints = slices.Insert(m.ints, pos, n)
		m.width = max(m.width, widthOf(n))
	}
	if len(m.set) <= smallMost {
		m.compareSet()
	}
}

func (m *churn) take(n int64, pos int, has bool) {
	size := len(m.set)
	if has {
		size -= m.width
	}
	m.set = m.within("IntsetRemove", m.set, size, func(b []byte) []byte {
		b, removed := packed.IntsetRemove(b, n)
		if removed != has {
			m.fatal("IntsetRemove(%d): %v", n, removed)
		}
		return b
	})
	if has {
		m.ints = slices.Delete(m.ints, pos, pos+1)
	}
	if len(m.set) <= smallMost {
		m.compareSet()
	}
}

func widthOf(n int64) int {
	switch {
	case n == int64(int16(n)):
		return 2
	case n == int64(int32(n)):
		return 4
	}
	return 8
}

// compareSet compares all bytes of the intset with those that FORMAT.md asks for.
func (m *churn) compareSet() {
	want := binary.LittleEndian.AppendUint32(nil, uint32(m.width))
	want = binary.LittleEndian.AppendUint32(want, uint32(len(m.ints)))
	for _, n := range m.ints {
		want = append(want, binary.LittleEndian.AppendUint64(nil, uint64(n))[:m.width]...)
	}
	if !bytes.Equal(m.set, want) {
		m.fatal("the intset is %.60x, want %.60x", m.set, want)
	}
	if err := packed.ValidateIntset(m.set); err != nil {
		m.fatal("%v", err)
	}
}
