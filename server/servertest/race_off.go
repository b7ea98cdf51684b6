//go:build !race

package servertest

// raceEnabled tells whether the test binary, and so the daemon that it builds, has the race detector.
const raceEnabled = false
