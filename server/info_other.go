//go:build !linux

package server

import "runtime"

// multiplexing is how connections wait.
const multiplexing = "goroutines"

func systemName() string { return runtime.GOOS + " " + runtime.GOARCH }

func residentBytes() int64 { return new(heapMeter).read().resident }

func systemMemoryBytes() int64 { return 0 }

func infoCPU(t *infoText) {
	for _, suffix := range [...]string{"", "_children", "_main_thread"} {
		t.line("used_cpu_sys"+suffix, "0.000000")
		t.line("used_cpu_user"+suffix, "0.000000")
	}
}
