//go:build invariants

package btree

const (
	invariants = true
	auditEvery = 1 << 12 // changes between two audits of a tree, and one for each entry
)

// checker counts the changes since a tree was audited.
type checker struct{ changes int }

// changed audits t from time to time.
func (k *checker) changed(t *Tree) {
	if k.changes++; k.changes < auditEvery+t.length {
		return
	}
	k.changes = 0
	if err := t.audit(); err != nil {
		panic(err)
	}
}
