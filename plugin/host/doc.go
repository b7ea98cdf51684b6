// Package host runs modules: it opens plugin files and lets them work on the server through the SDK.
//
// It owns the images of a process, which are plugin files that were opened, the modules of a server, and the guard around
// every entry into a module's code. It refuses to open a file that a child process has not opened before: a failed open can
// end the process, or leave it unable to open a correct build of the same module. It refuses to know the server beyond the
// interface Server. See DESIGN.md.
package host
