//go:build !invariants

package slab

const invariants = false

type checker struct{}

func (*checker) alloc(*Arena, Ref)       {}
func (*checker) free(*Arena, Ref)        {}
func (*checker) release(uintptr, *entry) {}
func (*checker) resize(Ref, int)         {}
func (*checker) adopt(Ref, int)          {}
func (*checker) disown(Ref)              {}
