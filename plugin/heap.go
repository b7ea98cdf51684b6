package plugin

// HeapImpl is the host's side of Heap.
type HeapImpl interface {
	Alloc(n int) ([]byte, error)
	Realloc(p []byte, n int) ([]byte, error)
	Free(p []byte) error
}

// Heap is the memory of Memory for code that has no Ctx: the methods of native types, whose values may so keep large data where
// the garbage collector does not see it. It can be used as long as the module is loaded. What Memory says of the blocks holds
// here; they can be given to either.
type Heap struct{ Impl HeapImpl }

// Alloc returns n bytes whose content is undefined. It must be called where commands run, in handlers and in methods of
// types other than TypeMethods.Free; maxmemory is no reason to refuse. Errors: ErrInvalid for a negative n; ErrOOM;
// ErrNotInitialized in OnLoad, which runs beside the server, and after the module was unloaded.
func (h *Heap) Alloc(n int) ([]byte, error) { return h.Impl.Alloc(n) }

// Realloc returns memory of n bytes that begins with what p holds, and frees p unless it could stay; a nil p is Alloc. It
// must be called where Alloc may be. Errors, after which p is as it was: those of Alloc; ErrBadFree.
func (h *Heap) Realloc(p []byte, n int) ([]byte, error) { return h.Impl.Realloc(p, n) }

// Free gives a block back, from any goroutine; p must begin where it does, and not be used afterwards. nil is ignored. It is
// given back a moment later, when nobody runs a command. ErrInvalid is the only error; a block that was freed before or is not
// the module's is found out later, and logged as misuse.
func (h *Heap) Free(p []byte) error { return h.Impl.Free(p) }
