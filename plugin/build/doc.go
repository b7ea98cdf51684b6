// Package build compiles modules for the running executable, and checks module files against it.
//
// It owns the way from a directory with a main package to a plugin file that the daemon opens: the same Go release and
// flags, the same versions of shared dependencies, and a package path that is new for every change of the code. It
// refuses to write anything into the module's or the daemon's source tree; what has to differ from them for a build
// lives in a temporary workspace and overlay. plugin/host/DESIGN.md has the facts behind it.
package build
