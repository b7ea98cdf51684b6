package plugin

// Memory is memory outside the heap of Go, for large data without pointers: the garbage collector does not see it, and it
// is counted in used_memory, and so for maxmemory, from the moment on that it is there. It belongs to the module, not to the
// callback. Nothing frees it but Free: what a module has not freed when it is unloaded stays, and the log says so, because its
// variables may still refer to it.
//
// The capacity of what is returned is the size of the block, which is at least what was asked for; the bytes up to it may be
// used. Never store a Go pointer in it, nor use it after Free: the daemon cannot tell.
//
// Rules MEM-1, MEM-2, AM-1 to AM-3.
type Memory interface {
	// Alloc returns n bytes whose content is undefined. It panics with ErrOOM when the system refuses, and with ErrInvalid
	// for a negative n. maxmemory is no reason to refuse.
	Alloc(n int) []byte

	// TryAlloc is Alloc that returns these errors.
	TryAlloc(n int) ([]byte, error)

	// Calloc returns n times size zero bytes; panics as of Alloc, also when the product is too large.
	Calloc(n, size int) []byte

	// Realloc returns memory of n bytes that begins with what p holds, and frees p unless it could stay; a nil p is
	// Alloc. Panics are those of Alloc, after which p is as it was, and of Free.
	Realloc(p []byte, n int) []byte

	// TryRealloc is Realloc that returns the errors of Alloc.
	TryRealloc(p []byte, n int) ([]byte, error)

	// Free gives back what one of the others has returned; p must begin where that does. nil is ignored. It panics with
	// ErrBadFree for everything else.
	Free(p []byte)

	// Strdup is Alloc with a copy of s.
	Strdup(s string) []byte

	// PoolAlloc returns n zero bytes that may be used until the callback returns: afterwards they are handed out again.
	// They lie at a multiple of 8, or of the next power of two of a smaller n. It returns nil for 0, and panics with
	// ErrInvalid for a negative n and with ErrTooLarge beyond 512 MB. This is memory of the Go heap: pointers into it
	// may be kept, if only by mistake.
	PoolAlloc(n int) []byte

	// AccountMemory tells that the module holds delta more bytes of the Go heap, or less: INFO modules shows the sum.
	// used_memory counts the whole Go heap anyway, so that it does not change.
	AccountMemory(delta int64)

	// AutoMemory says that this callback leaves keys and replies to be released at its return. They always are;
	// without it INFO modules counts them as leaked handles.
	AutoMemory()
}
