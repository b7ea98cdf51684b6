// Package inner is a helper with state.
package inner

// Name is what the module says.
const Name = "FIRST"

var n int

// Next counts.
func Next() int {
	n++
	return n
}
