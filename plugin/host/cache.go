package host

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	// maxImageBytes bounds the size of a module file; Go plugins have 3 to 30 MB.
	maxImageBytes = 1 << 30

	newPrefix = "new-" // of a copy that is not complete

	// noexecFlag is ST_NOEXEC of statvfs(3), which package syscall does not name.
	noexecFlag = 0x8
)

// cache is the directory of private copies. Files in it are named after their content and never change, so what was
// checked is what is opened, whatever happens to the file of the user. A copy is removed once it is mapped, so each load has
// one of its own: another process of the user may load the same content at the same time.
type cache struct{ dir string }

// openCache makes the directory, or takes an existing one that belongs to this user alone.
func openCache(dir string) (cache, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return cache{}, fmt.Errorf("%w: %w", ErrCacheDir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return cache{}, fmt.Errorf("%w: %w", ErrCacheDir, err)
	}
	stat, err := os.Lstat(dir)
	if err != nil {
		return cache{}, fmt.Errorf("%w: %w", ErrCacheDir, err)
	}
	sys, ok := stat.Sys().(*syscall.Stat_t)
	if !stat.IsDir() || !ok || int(sys.Uid) != os.Geteuid() || stat.Mode().Perm()&0o077 != 0 {
		return cache{}, fmt.Errorf("%w: %s must be a directory that only this user can enter (chmod 700)", ErrCacheDir, dir)
	}
	var mount syscall.Statfs_t
	if err := syscall.Statfs(dir, &mount); err == nil && mount.Flags&noexecFlag != 0 {
		return cache{}, fmt.Errorf("%w: %s is on a file system mounted noexec, which forbids to map code", ErrCacheDir, dir)
	}
	return cache{dir: dir}, nil
}

// digest is the sha256 of a file's content.
type digest [sha256.Size]byte

func (d digest) String() string { return hex.EncodeToString(d[:]) }

// add copies a module file and hashes it on the way. The copy belongs to the caller, who removes it.
func (c cache) add(source string) (copied string, sum digest, err error) {
	in, err := openModuleFile(source)
	if err != nil {
		return "", sum, err
	}
	defer in.Close()
	out, err := os.CreateTemp(c.dir, newPrefix+"*")
	if err != nil {
		return "", sum, fmt.Errorf("%w: %w", ErrCacheDir, err)
	}
	defer func() {
		err = errors.Join(err, out.Close())
		if err != nil {
			os.Remove(out.Name())
		}
	}()
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, hash), io.LimitReader(in, maxImageBytes+1))
	if err != nil {
		return "", sum, fmt.Errorf("copying %s: %w", source, err)
	}
	if n > maxImageBytes {
		return "", sum, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, maxImageBytes)
	}
	hash.Sum(sum[:0])
	copied = filepath.Join(c.dir, sum.String()+"-"+strings.TrimPrefix(filepath.Base(out.Name()), newPrefix)+".so")
	if err := out.Chmod(0o500); err != nil {
		return "", sum, fmt.Errorf("%w: %w", ErrCacheDir, err)
	}
	if err := os.Rename(out.Name(), copied); err != nil {
		return "", sum, fmt.Errorf("%w: %w", ErrCacheDir, err)
	}
	return copied, sum, nil
}

// openModuleFile opens a regular file, and does not wait for the other end of a named pipe. An execute bit is not asked
// for: go build gives a plugin none, and the private copy has one.
func openModuleFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	stat, err := f.Stat()
	switch {
	case err != nil:
	case !stat.Mode().IsRegular():
		err = ErrNotRegular
	default:
		return f, nil
	}
	f.Close()
	return nil, &fs.PathError{Op: "load", Path: path, Err: err}
}
