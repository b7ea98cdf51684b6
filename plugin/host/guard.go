package host

import (
	"fmt"
	"runtime/debug"
	"time"
)

// PanicError is a panic in module code. It wraps ErrPanic.
type PanicError struct {
	Value any
	Stack []byte
}

func newPanicError(v any) *PanicError { return &PanicError{Value: v, Stack: debug.Stack()} }

// Error gives the value; the stack is for the log.
func (e *PanicError) Error() string { return fmt.Sprintf("%v: %v", ErrPanic, e.Value) }

// Unwrap returns ErrPanic.
func (e *PanicError) Unwrap() error { return ErrPanic }

// runGuarded runs f on a goroutine of its own and waits for it, at most for the given time. Errors are those of f, a
// *PanicError, ErrGoexit and ErrTimeout. After ErrTimeout f is still running: what it uses must not be used again.
//
// A goroutine of its own is what makes runtime.Goexit harmless: it would end the caller's. Faults at wild addresses
// are panics inside f.
func runGuarded(timeout time.Duration, f func() error) error {
	done := make(chan error, 1)
	go func() {
		err, returned := error(nil), false
		defer func() {
			if v := recover(); v != nil {
				err = newPanicError(v)
			} else if !returned {
				err = ErrGoexit
			}
			done <- err
		}()
		debug.SetPanicOnFault(true)
		err = f()
		returned = true
	}()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("%w: more than %v", ErrTimeout, timeout)
	}
}
