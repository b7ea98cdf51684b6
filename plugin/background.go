package plugin

import (
	"context"
	"fmt"
)

// Goroutines starts goroutines that the host looks after.
type Goroutines interface {
	// Go runs f on a goroutine of its own. A panic in f is logged with its stack and counted for the module, and ends that
	// goroutine only; one in a goroutine started with a go statement ends the daemon. In OnLoad, f is started once the
	// module is loaded, and not at all when the load fails.
	//
	// MODULE UNLOAD ends the context of bg, waits two seconds for the goroutines to return and is refused when one of them
	// has not. The end of the server ends the context too, and waits as long.
	//
	// Errors: ErrInvalid for a nil f; ErrStopped while the module is being unloaded or the server ends;
	// ErrNotInitialized in OnLoad before Init.
	Go(f func(bg *Background)) error
}

// BackgroundImpl is the host's side of Background.
type BackgroundImpl interface {
	Context() context.Context
	Do(f func(ctx Ctx) error) error
	TryDo(f func(ctx Ctx) error) error
	Go(f func(bg *Background)) error
	Log(level LogLevel, line string)
}

// Background is what a goroutine of Goroutines.Go can ask of the host. Its methods may be called from any goroutine. The
// field is the host's.
type Background struct {
	Impl BackgroundImpl
}

// Context returns a context that ends when the module is being unloaded and when the server ends. The goroutine has to
// return then, soon.
func (bg *Background) Context() context.Context { return bg.Impl.Context() }

// Done is closed when Context ends.
func (bg *Background) Done() <-chan struct{} { return bg.Impl.Context().Done() }

// Do waits for the execution lock and runs f with it, on the calling goroutine: no command runs meanwhile, and what f does is
// one unit whose effects are replicated together, as those of a command are. The context of f begins in database 0 and has
// no client: replies fail with ErrNoClient. It and the keys opened with it are dead when f has returned. While the server
// loads its dataset Do waits.
//
// Every client waits for f: compute before or after. A callback must not wait for a goroutine that calls Do, or both wait
// for ever.
//
// Errors: what f returned; ErrLocked when a callback calls Do, which has the lock already; ErrStopped when the module is no
// longer loaded or the server ends; ErrPanic when f panicked, which is logged and counted.
func (bg *Background) Do(f func(ctx Ctx) error) error { return bg.Impl.Do(f) }

// TryDo is Do that fails with ErrBusy instead of waiting.
func (bg *Background) TryDo(f func(ctx Ctx) error) error { return bg.Impl.TryDo(f) }

// Go starts another goroutine; see Goroutines.Go.
func (bg *Background) Go(f func(bg *Background)) error { return bg.Impl.Go(f) }

// Log writes a line to the daemon's log, as Invocation.Log does.
func (bg *Background) Log(level LogLevel, format string, args ...any) {
	bg.Impl.Log(level, fmt.Sprintf(format, args...))
}
