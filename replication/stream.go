package replication

import "sort"

const (
	blockBytes     = 128 << 10
	maxSpareBlocks = 4
)

// Stream is what a primary sends to its replicas: one sequence of bytes, shared by all of them. A byte's offset is the number
// of bytes before it; End is what Redis calls master_repl_offset.
//
// The bytes live in blocks that are filled once and never moved, so a Sender may write a block's bytes to its socket while
// others append behind them. A block is given up when every reader is past it; memory is therefore bounded by the slowest
// reader, whom its owner must close when it falls too far behind.
//
// A Stream is guarded by the lock of its owner; the bytes that At returned may be read without it until the reader they were
// returned for is moved or removed.
type Stream struct {
	blocks  []block // oldest first, contiguous
	spare   [][]byte
	end     int64
	readers map[*Reader]struct{}
}

type block struct {
	from int64
	data []byte
}

// Reader is a position in a Stream that keeps the bytes from there on.
type Reader struct {
	s   *Stream
	pos int64
}

// End returns the offset behind the last byte.
func (s *Stream) End() int64 { return s.end }

// Restart forgets all bytes and goes on at an offset, as a replica does that takes over its primary's. Readers of before may
// only be closed.
func (s *Stream) Restart(end int64) {
	s.blocks, s.end = nil, end
}

// Append adds bytes, which are copied.
func (s *Stream) Append(p []byte) {
	if len(s.readers) == 0 {
		s.blocks = s.blocks[:0]
		s.end += int64(len(p))
		return
	}
	for len(p) > 0 {
		if n := len(s.blocks); n == 0 || len(s.blocks[n-1].data) == cap(s.blocks[n-1].data) {
			s.grow(len(p))
		}
		b := &s.blocks[len(s.blocks)-1]
		n := min(len(p), cap(b.data)-len(b.data))
		b.data = append(b.data, p[:n]...)
		p = p[n:]
		s.end += int64(n)
	}
}

// grow adds an empty block, after giving up those that no reader needs.
func (s *Stream) grow(n int) {
	s.trim()
	b := block{from: s.end}
	if k := len(s.spare); k > 0 && n <= blockBytes {
		b.data, s.spare = s.spare[k-1], s.spare[:k-1]
	} else {
		b.data = make([]byte, 0, max(n, blockBytes))
	}
	s.blocks = append(s.blocks, b)
}

// trim gives up the blocks that every reader has passed.
func (s *Stream) trim() {
	need := s.end
	for r := range s.readers {
		need = min(need, r.pos)
	}
	done := 0
	for done < len(s.blocks) && s.blocks[done].from+int64(len(s.blocks[done].data)) <= need {
		if d := s.blocks[done].data; cap(d) == blockBytes && len(s.spare) < maxSpareBlocks {
			s.spare = append(s.spare, d[:0])
		}
		done++
	}
	if done > 0 {
		n := copy(s.blocks, s.blocks[done:])
		clear(s.blocks[n:])
		s.blocks = s.blocks[:n]
	}
}

// HeldBytes returns the memory of the blocks.
func (s *Stream) HeldBytes() int64 {
	n := int64(len(s.spare)) * blockBytes
	for _, b := range s.blocks {
		n += int64(cap(b.data))
	}
	return n
}

// Read returns a new reader at an offset, which must be the end of the stream or not before another reader's position.
func (s *Stream) Read(offset int64) *Reader {
	r := &Reader{s: s, pos: offset}
	if s.readers == nil {
		s.readers = map[*Reader]struct{}{}
	}
	s.readers[r] = struct{}{}
	return r
}

// Close removes the reader; more than once does no harm.
func (r *Reader) Close() {
	if _, ok := r.s.readers[r]; ok {
		delete(r.s.readers, r)
		r.s.trim()
	}
}

// Offset returns the reader's position.
func (r *Reader) Offset() int64 { return r.pos }

// PendingBytes returns how far the reader is behind the end.
func (r *Reader) PendingBytes() int64 { return r.s.end - r.pos }

// At returns bytes from the reader's position on, nil at the end.
func (r *Reader) At() []byte {
	blocks := r.s.blocks
	if r.pos >= r.s.end {
		return nil
	}
	i := sort.Search(len(blocks), func(i int) bool { return blocks[i].from > r.pos }) - 1
	b := blocks[i]
	return b.data[r.pos-b.from:]
}

// Advance moves the reader forward by n bytes.
func (r *Reader) Advance(n int) { r.pos += int64(n) }
