// Package rdb writes and reads values in Redis's RDB format, version 10, which is also the format of DUMP and RESTORE, of
// the AOF's base file and of a full synchronization.
//
// It owns the encoding and its checks: bytes read are not trusted, memory grows with bytes that arrived and not with
// lengths that were announced, and damage is an error with an offset, never a panic. It refuses to know files, sockets
// and time: it reads from an io.Reader and writes to an io.Writer or to memory.
//
// The layout is in FORMAT.md.
package rdb
