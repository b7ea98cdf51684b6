//go:build !invariants

package table

const invariants = false

type checker struct{}

func (*checker) changed(*Table) {}
