package aof

import (
	"errors"
	"io"
	"slices"
	"syscall"
	"testing"

	"datastore/server/vfs"
	"datastore/server/vfs/vfstest"
)

// TestStop: appending ends with everything durable, the lock stays, and only a new base goes on from there.
func TestStop(t *testing.T) {
	m := newMem(t)
	b := open(t, m).start()
	b.log.Append(cmd("SET", "k", "1"))
	if err := b.log.Stop(); err != nil {
		t.Fatal(err)
	}
	if b.log.Running() || b.log.Synced() != b.log.Written() || !b.log.Exists() {
		t.Errorf("running %v, %d of %d synced", b.log.Running(), b.log.Synced(), b.log.Written())
	}
	if _, err := tryOpen(t, m); !errors.Is(err, vfs.ErrLocked) {
		t.Errorf("the lock is gone: %v", err)
	}
	if err := b.log.Start(nil); !errors.Is(err, ErrNotLoaded) {
		t.Errorf("went on in files that lack what happened since: %v", err)
	}
	if err := b.log.Start(func(w io.Writer) error { _, err := io.WriteString(w, "REDIS\x03two"); return err }); err != nil {
		t.Fatal(err)
	}
	end := b.log.Append(cmd("SET", "k", "3"))
	if err := b.log.Sync(); err != nil {
		t.Fatal(err)
	}
	if b.log.Synced() != end {
		t.Errorf("synced %d, appended %d", b.log.Synced(), end)
	}
	if err := errors.Join(b.log.Stop(), b.log.Stop(), b.log.Close()); err != nil {
		t.Fatal(err)
	}
	got, err := open(t, m).load()
	if want := []string{"RDB two", "SET k 3"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("loaded %q, want %q (%v)", got, want, err)
	}
}

// TestF13StopAfterFailure: a failed log can be stopped, which says that the end may be missing, and begun anew.
func TestF13StopAfterFailure(t *testing.T) {
	faults := vfstest.NewFaults(newMem(t))
	b := open(t, faults).start()
	b.log.Append(cmd("SET", "k", "1"))
	faults.Add(vfstest.Rule{Op: vfstest.OpSync, Nth: 1, Count: -1, Err: syscall.EIO})
	if err := b.log.Sync(); !errors.Is(err, ErrSync) {
		t.Fatal(err)
	}
	faults.Clear()
	b.log.Append(cmd("SET", "k", "2"))
	if err := b.log.Stop(); !errors.Is(err, ErrSync) || b.log.Running() {
		t.Errorf("running %v: %v", b.log.Running(), err)
	}
	if err := b.log.Start(func(w io.Writer) error { _, err := io.WriteString(w, "REDIS\x03two"); return err }); err != nil {
		t.Fatal(err)
	}
	if err := b.log.Err(); err != nil {
		t.Errorf("a new base does not end the failure: %v", err)
	}
	if err := b.log.Close(); err != nil {
		t.Fatal(err)
	}
}
