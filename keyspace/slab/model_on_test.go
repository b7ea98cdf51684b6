//go:build invariants

package slab

func auditArena(a *Arena) error { return a.audit() }
