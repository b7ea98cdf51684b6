package slab

import (
	"testing"

	"datastore/keyspace/modeltest"
)

// TestReport wants the report to add up to the arena's own counts.
func TestReport(t *testing.T) {
	a := New()
	defer a.Close()
	m := &model{t: t, c: modeltest.Start(t, 1), a: a, peaks: map[int]int64{}, live: map[int]int64{}}
	for range 60_000 {
		m.alloc(mixedSizes.draw(m.c, 0))
		if m.c.OneIn(4) {
			m.free(m.c.IntN(len(m.blocks)))
		}
	}
	r := a.Report(1 << 20)
	used, blocks := r.DirectBytes+r.Large.SizeBytes, r.Direct+r.Large.Live
	for _, c := range r.Classes {
		if c.Live > c.Blocks || c.Runs == 0 {
			t.Errorf("class %d: %+v", c.SizeBytes, c)
		}
		used, blocks = used+c.SizeBytes*int64(c.Live), blocks+c.Live
	}
	if used != a.Used() || int64(blocks) != a.Blocks() {
		t.Errorf("%d bytes in %d blocks are reported, there are %d in %d", used, blocks, a.Used(), a.Blocks())
	}
	if r.HeaderBytes+r.RunBytes+r.FreeBytes+r.DirectBytes != a.Mapped() || r.Walked != r.Chunks {
		t.Errorf("%+v, mapped are %d", r, a.Mapped())
	}
	if r.RunBytes+r.DirectBytes != a.Active() {
		t.Errorf("%+v, active are %d", r, a.Active())
	}
	if few := a.Report(3); few.Walked == 0 || few.Walked > 3 {
		t.Errorf("looked at %d chunks of %d, allowed were 3", few.Walked, few.Chunks)
	}
}
