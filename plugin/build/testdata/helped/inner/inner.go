// Package inner is a helper of a module.
package inner

// Name is what the module says.
const Name = "HELPED"
