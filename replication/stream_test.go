package replication

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestStreamReaders compares what readers at different speeds get with what was appended.
func TestStreamReaders(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var s Stream
	s.Restart(1000)
	type reader struct {
		r    *Reader
		want bytes.Buffer
		got  bytes.Buffer
	}
	var readers []*reader
	drain := func(x *reader, steps int) {
		for range steps {
			p := x.r.At()
			if p == nil {
				return
			}
			n := 1 + rnd.IntN(len(p))
			x.got.Write(p[:n])
			x.r.Advance(n)
		}
	}
	for range 400 {
		switch rnd.IntN(20) {
		case 0:
			if len(readers) < 4 {
				readers = append(readers, &reader{r: s.Read(s.End())})
			}
		case 1:
			if len(readers) > 0 {
				from := readers[rnd.IntN(len(readers))]
				x := &reader{r: s.Read(from.r.Offset())}
				x.want.Write(from.want.Bytes()[from.got.Len():])
				readers = append(readers, x)
			}
		case 2:
			if len(readers) > 2 {
				readers[0].r.Close()
				readers[0].r.Close()
				readers = readers[1:]
			}
		default:
			p := make([]byte, rnd.IntN(1+rnd.IntN(3*blockBytes)))
			for i := range p {
				p[i] = byte(i + len(p))
			}
			before := s.End()
			s.Append(p)
			if s.End() != before+int64(len(p)) {
				t.Fatalf("end %d after %d bytes at %d", s.End(), len(p), before)
			}
			for _, x := range readers {
				x.want.Write(p)
			}
		}
		for _, x := range readers {
			drain(x, rnd.IntN(6))
		}
	}
	for i, x := range readers {
		drain(x, 1<<30)
		if !bytes.Equal(x.got.Bytes(), x.want.Bytes()) || x.r.PendingBytes() != 0 {
			t.Errorf("reader %d got %d bytes, want %d", i, x.got.Len(), x.want.Len())
		}
		x.r.Close()
	}
	if s.Append(make([]byte, 10*blockBytes)); s.HeldBytes() > maxSpareBlocks*blockBytes {
		t.Errorf("%d bytes held without readers", s.HeldBytes())
	}
}

// TestStreamBounded checks that memory follows the slowest reader.
func TestStreamBounded(t *testing.T) {
	var s Stream
	r := s.Read(s.End())
	for range 100 {
		s.Append(make([]byte, 100_000))
		for p := r.At(); p != nil; p = r.At() {
			r.Advance(len(p))
		}
	}
	if held := s.HeldBytes(); held > 8*blockBytes {
		t.Errorf("%d bytes held although the reader is at the end", held)
	}
}
