package modeltest

import "testing"

func TestOperations(t *testing.T) {
	t.Setenv(opsVar, "")
	want := 1000
	if testing.Short() {
		want = 100
	}
	count := func() (n int) {
		for c := Start(t, 1000); c.More(); n++ {
			c.IntN(2)
		}
		return n
	}
	if got := count(); got != want {
		t.Errorf("%d operations, want %d", got, want)
	}
	t.Setenv(opsVar, "77")
	if got := count(); got != 77 {
		t.Errorf("%d operations with %s=77", got, opsVar)
	}
}

func TestSeedRepeats(t *testing.T) {
	draw := func(seed string) (d [6]uint64) {
		t.Setenv(seedVar, seed)
		c := Start(t, 1)
		for i := range d {
			d[i] = c.Uint64() ^ uint64(c.IntN(1000))
		}
		return d
	}
	for _, c := range []struct {
		seed, other string
		same        bool
	}{{"5", "5", true}, {"5", "6", false}, {"", "", false}} {
		if same := draw(c.seed) == draw(c.other); same != c.same {
			t.Errorf("seeds %q and %q give the same choices: %v", c.seed, c.other, same)
		}
	}
}

func TestBytes(t *testing.T) {
	c := FromBytes([]byte{7, 1, 1, 9, 0, 0x21, 0x43, 0x65})
	if got := [...]int{c.IntN(5), c.IntN(257), c.IntN(1 << 16), c.IntN(1 << 20)}; got != [...]int{2, 0, 9, 0x54321} {
		t.Errorf("choices %v", got)
	}
	if c.More() || c.IntN(1<<40) != 0 || c.Uint64() != 0 || c.OneIn(2) {
		t.Error("the choices do not end with the bytes")
	}
	c = FromBytes([]byte{1, 2, 3, 4, 5, 6, 7, 8, 4})
	if got := c.Uint64(); got != 0x0807060504030201 {
		t.Errorf("Uint64 = %#x", got)
	}
	if !c.More() || !c.OneIn(5) {
		t.Error("OneIn(5) with the last of five")
	}
}

func TestMagnitude(t *testing.T) {
	c := FromBytes([]byte{3, 7, 9, 0xff, 0x3})
	if got := c.Magnitude(10); got != 7 {
		t.Errorf("three bits gave %d", got)
	}
	if got := c.Magnitude(10); got != 0x1ff {
		t.Errorf("nine bits gave %d", got)
	}
}
