package main

import (
	"encoding/binary"
	"errors"
	"math"
)

// The dump of a filter is a header and then the words of all layers, little end first, one layer after the other. BF.SCANDUMP
// cuts it into chunks; a chunk's number is 1 more than the offset in the words at which it ends, and the header's is 1.
//
// The header: version (1 byte), flags (1 byte, bit 0 for a filter that does not scale), expansion (4 bytes), error rate (8
// bytes, IEEE 754), number of layers (4 bytes); then for each layer: words, capacity, items (8 bytes each), hashes (4), error
// rate (8). All numbers are little end first.
const (
	dumpVersion     = 1
	headerBytes     = 18
	layerHeadBytes  = 36
	flagNonScaling  = 1
	dumpHeaderIter  = 1
	maxChunkBytes   = 16 << 20
	bytesPerWord    = 8
	bytesPerRewrite = 1 << 20 // of a chunk in the append-only file
)

var errBadDump = errors.New("invalid chunk")

// header returns the first chunk of a dump.
func (f *filter) header() []byte {
	b := make([]byte, 0, headerBytes+len(f.layers)*layerHeadBytes)
	flags := byte(0)
	if f.nonScaling {
		flags = flagNonScaling
	}
	b = append(b, dumpVersion, flags)
	b = binary.LittleEndian.AppendUint32(b, f.expansion)
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f.errorRate))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(f.layers)))
	for i := range f.layers {
		l := &f.layers[i]
		for _, n := range [...]uint64{uint64(len(l.words)), l.capacity, l.items} {
			b = binary.LittleEndian.AppendUint64(b, n)
		}
		b = binary.LittleEndian.AppendUint32(b, l.hashes)
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(l.errorRate))
	}
	return b
}

// ofHeader makes the filter that a header describes, with no bit set. It fails with errBadDump, and before it takes memory for
// what cannot be.
func ofHeader(b []byte) (*filter, error) {
	if len(b) < headerBytes || b[0] != dumpVersion || b[1]&^flagNonScaling != 0 {
		return nil, errBadDump
	}
	f := &filter{
		nonScaling: b[1]&flagNonScaling != 0, expansion: binary.LittleEndian.Uint32(b[2:]),
		errorRate: math.Float64frombits(binary.LittleEndian.Uint64(b[6:])),
	}
	n := binary.LittleEndian.Uint32(b[14:])
	b = b[headerBytes:]
	if n == 0 || n > maxLayers || len(b) != int(n)*layerHeadBytes || f.expansion == 0 || f.expansion > maxExpand || !isRate(f.errorRate) {
		return nil, errBadDump
	}
	for total := uint64(0); len(b) > 0; b = b[layerHeadBytes:] {
		words, capacity := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
		rate := math.Float64frombits(binary.LittleEndian.Uint64(b[28:]))
		total += min(words, maxBytes)
		if !isRate(rate) || capacity == 0 || total > maxBytes/bytesPerWord {
			return nil, errBadDump
		}
		l := layer{
			capacity: capacity, items: binary.LittleEndian.Uint64(b[16:]), hashes: binary.LittleEndian.Uint32(b[24:]), errorRate: rate,
		}
		want, hashes, err := shape(rate, capacity)
		if err != nil || uint64(want) != words || hashes != l.hashes || l.items > l.capacity {
			return nil, errBadDump
		}
		l.words = make([]uint64, words)
		f.layers = append(f.layers, l)
		f.items += l.items
	}
	return f, nil
}

func isRate(r float64) bool { return r > 0 && r < 1 }

// dumpBytes returns how many bytes the words of all layers have.
func (f *filter) dumpBytes() (n int64) {
	for i := range f.layers {
		n += int64(len(f.layers[i].words)) * bytesPerWord
	}
	return n
}

// chunk returns up to most bytes of the words from an offset on, whole words of one layer; nil at the end.
func (f *filter) chunk(offset int64, most int) []byte {
	for i := range f.layers {
		words := f.layers[i].words
		size := int64(len(words)) * bytesPerWord
		if offset >= size {
			offset -= size
			continue
		}
		from := offset / bytesPerWord
		words = words[from:min(int64(len(words)), from+int64(most)/bytesPerWord)]
		b := make([]byte, 0, len(words)*bytesPerWord)
		for _, w := range words {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
		return b
	}
	return nil
}

// load puts a chunk of words to an offset. It fails with errBadDump where the chunk does not fit.
func (f *filter) load(offset int64, b []byte) error {
	if offset < 0 || offset%bytesPerWord != 0 || len(b)%bytesPerWord != 0 || len(b) == 0 {
		return errBadDump
	}
	for i := range f.layers {
		words := f.layers[i].words
		size := int64(len(words)) * bytesPerWord
		if offset >= size {
			offset -= size
			continue
		}
		if int64(len(b)) > size-offset {
			return errBadDump
		}
		for at := offset / bytesPerWord; len(b) > 0; at++ {
			words[at] = binary.LittleEndian.Uint64(b)
			b = b[bytesPerWord:]
		}
		return nil
	}
	return errBadDump
}
