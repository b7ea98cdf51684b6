package build

import "errors"

// Directories that cannot be built.
var (
	ErrNoModule  = errors.New("directory is not part of a Go module (run: go mod init NAME)")
	ErrNotMain   = errors.New("a module must be a main package")
	ErrNotShared = errors.New("a module inside the daemon's source tree cannot have helper packages there; give it a go.mod of its own")
)

// ErrNoSource says that the daemon's source tree, which has the SDK, was not found.
var ErrNoSource = errors.New("the daemon's source tree was not found; name it with --sdk DIR or in " + SourceEnv)

// ErrGo says that the go command failed or is missing.
var ErrGo = errors.New("go command")

// ErrTestsFailed says that tests ran and failed, or did not compile.
var ErrTestsFailed = errors.New("the module's tests failed")
