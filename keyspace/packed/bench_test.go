package packed_test

import (
	"fmt"
	"testing"

	"datastore/keyspace/packed"
)

// hash128 has 128 fields with values, "field:0" to "field:127".
func hash128() []byte {
	b := packed.New(nil)
	for i := range 128 {
		b = packed.Append(b, fmt.Appendf(nil, "field:%d", i))
		b = packed.Append(b, fmt.Appendf(nil, "value %d", i))
	}
	return b
}

func BenchmarkFindLastOf128Fields(b *testing.B) {
	p := hash128()
	for b.Loop() {
		if packed.Find(p, packed.First(p), []byte("field:127"), 1) < 0 {
			b.Fatal("not found")
		}
	}
}

func BenchmarkFindMissingOf256Elements(b *testing.B) {
	p := hash128()
	for b.Loop() {
		if packed.Find(p, packed.First(p), []byte("field:999"), 0) >= 0 {
			b.Fatal("found")
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	p := packed.New(make([]byte, 0, 8192))
	for b.Loop() {
		if p = packed.Append(p, []byte("some value")); len(p) > 8000 {
			p = packed.New(p[:0])
		}
	}
}

func BenchmarkInsertDeleteMiddleOf256(b *testing.B) {
	p := append(make([]byte, 0, 8192), hash128()...)
	for b.Loop() {
		off := packed.Index(p, 128)
		p = packed.Insert(p, off, []byte("some value"))
		p = packed.Delete(p, off, 1)
	}
}

func BenchmarkIntsetFindIn512(b *testing.B) {
	p := packed.NewIntset(nil)
	for i := range int64(512) {
		p, _ = packed.IntsetAdd(p, i*3)
	}
	for b.Loop() {
		if _, ok := packed.IntsetFind(p, 300); !ok {
			b.Fatal("not found")
		}
	}
}

func BenchmarkValidate256(b *testing.B) {
	p := hash128()
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		if err := packed.Validate(p); err != nil {
			b.Fatal(err)
		}
	}
}
