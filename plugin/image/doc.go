// Package image reads what a plugin file says about itself and compares it with an executable, without opening it.
//
// It owns the rules of compatibility: which Go version, settings, shared modules and package fingerprints a plugin must
// have. It refuses to map or run anything, so it is safe on any file; opening is the business of plugin/host.
//
// Go's own check at opening compares fingerprints of export data only. A plugin of another Go release, or with another
// layout of a shared package's private variables, passes it and corrupts memory later. So versions are compared here
// too, and a mismatch names both sides and the way to mend it.
package image
