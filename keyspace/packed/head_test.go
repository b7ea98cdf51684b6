package packed

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// Pushing and popping at the head within a block gives the same bytes as Prepend and Delete.
func TestHeadOfABlock(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	elems := []string{"", "a", "12", "-1", "4095", "-4097", "70000", "9223372036854775807", strings.Repeat("x", 63),
		strings.Repeat("y", 64), strings.Repeat("z", 4096), strings.Repeat("w", 17_000)}
	block := make([]byte, 1<<20)
	want := New(nil)
	start := len(block) - len(want)
	copy(block[start:], want)
	for range 20_000 {
		elem := []byte(elems[rng.IntN(len(elems))])
		if room := EntrySize(elem); rng.IntN(5) < 3 && start >= room {
			start = PrependIn(block, start, elem)
			want = Prepend(want, elem)
		} else if Len(want) > 0 {
			start = DeleteFirst(block, start)
			want = Delete(want, First(want), 1)
		}
		if !bytes.Equal(block[start:], want) {
			t.Fatalf("%d elements: the block holds %.40x, want %.40x", Len(want), block[start:], want)
		}
	}
	if err := Validate(want); err != nil {
		t.Fatal(err)
	}
}
