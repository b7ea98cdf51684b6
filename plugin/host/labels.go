package host

import (
	"context"
	"runtime/pprof"
)

// Label has handlers run under the pprof labels "module" and "command" from now on, or no more, so that a profile tells what
// each of them costs. Goroutines and callbacks of modules have the label "module" always. It is called under the execution
// lock, by a command.
func (h *Modules) Label(on bool) { h.labelling = on }

// label gives the goroutine the labels of the handler that it runs, or none.
func (h *Modules) label() {
	labels := context.Background()
	if h.depth > 0 {
		labels = h.frames[h.depth-1].labels()
	}
	pprof.SetGoroutineLabels(labels)
}

func (f *frame) labels() context.Context {
	c := f.self
	if f.cmd == nil {
		return f.module.goroutines.labels
	}
	if c.labels == nil {
		c.labels = pprof.WithLabels(context.Background(), pprof.Labels("module", c.module.name, "command", f.cmd.FullName()))
	}
	return c.labels
}
