//go:build !invariants

package keyspace

import (
	"reflect"
	"slices"
	"testing"
)

// TestStructBytes compares the constants with what Go allocates for the structures.
func TestStructBytes(t *testing.T) {
	for want, typ := range map[int]reflect.Type{
		objectEntryBytes: reflect.TypeFor[object](), dictStructBytes: reflect.TypeFor[object]().Field(1).Type.Elem(),
		zsetStructBytes: reflect.TypeFor[bigZSet](), listStructBytes: reflect.TypeFor[nodeList](), nodeBytes: reflect.TypeFor[node](),
		nativeEntryBytes: reflect.TypeFor[native](),
	} {
		if got := cap(slices.Grow([]byte(nil), int(typ.Size()))); got != want {
			t.Errorf("%v has %d bytes, in a block of %d; counted are %d", typ, typ.Size(), got, want)
		}
	}
}
