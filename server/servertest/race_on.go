//go:build race

package servertest

// RaceEnabled tells whether the test binary, and so the daemon that it builds, has the race detector.
const RaceEnabled = true
