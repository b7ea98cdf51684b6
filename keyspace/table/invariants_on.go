//go:build invariants

package table

const (
	invariants = true
	auditEvery = 1 << 12 // changes between two audits of a table, and one for each entry and bucket
)

// checker counts the changes since a table was audited.
type checker struct{ changes int }

// changed audits t from time to time.
func (k *checker) changed(t *Table) {
	if k.changes++; k.changes < auditEvery+t.count+int(t.Bytes()/bucketBytes) {
		return
	}
	k.changes = 0
	if err := t.audit(); err != nil {
		panic(err)
	}
}
