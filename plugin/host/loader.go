package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"datastore/plugin"
	"datastore/plugin/image"
)

const (
	defaultProbeTimeout = 10 * time.Second
	defaultOpenTimeout  = 10 * time.Second
)

// LoaderOptions configure a Loader. The zero value is usable by a daemon whose main handles ProbeArg.
type LoaderOptions struct {
	// CacheDir holds private copies of module files for the time of a load. It is created with mode 0700, must belong
	// to this user alone, and must not be on a file system mounted noexec. Default: datastore-modules-UID in the
	// directory for temporary files.
	CacheDir string

	// ProbeCommand is the command that opens a file in a child process; the file's path is appended. Default: this
	// executable with ProbeArg.
	ProbeCommand []string

	// ProbeTimeout and OpenTimeout bound the time in which a file must have been opened, init functions included, by
	// the child and by this process. Default: 10 seconds each.
	ProbeTimeout, OpenTimeout time.Duration
}

// Image is an opened plugin file. It stays mapped, and its package variables keep their values, as long as the process
// lives. It is immutable and safe for concurrent use.
type Image struct {
	// OnLoad and OnUnload are the module's symbols. OnUnload is nil when the module has none.
	OnLoad   plugin.OnLoadFunc
	OnUnload plugin.OnUnloadFunc

	Source     string // the path it was first loaded from
	SHA256     string // of the file, in hexadecimal
	PluginPath string // the import path of its main package
	GoVersion  string
	Generation int // counts the images of this process, from 1
}

// Loader owns the images of this process. Images are opened once, never closed, and known by their content: it is safe
// for concurrent use, and a process must have only one, because the runtime's table of plugins is the process's too.
//
// A content is in one of three states here: unknown, opened, or poisoned. A file that was refused before the open stays
// unknown and may be tried again. Poisoned means that the open failed or still runs; such content, and other builds
// with its package path, cannot be opened in this process any more.
type Loader struct {
	cache       cache
	prober      prober
	openTimeout time.Duration

	turn   sync.Mutex       // held for a whole load; guards the fields up to mu
	self   *image.File      // read at the first load
	failed map[digest]error // poisoned content and why
	mapped []*image.File    // of opened and poisoned content: their package paths and packages are in the process

	mu     sync.Mutex // held for moments, also by Images
	images map[digest]*Image
}

// NewLoader returns a loader without images. It fails with ErrCacheDir when the directory is unusable.
func NewLoader(o LoaderOptions) (*Loader, error) {
	dir := cmp.Or(o.CacheDir, filepath.Join(os.TempDir(), "datastore-modules-"+strconv.Itoa(os.Geteuid())))
	c, err := openCache(dir)
	if err != nil {
		return nil, err
	}
	command := o.ProbeCommand
	if len(command) == 0 {
		command = []string{image.SelfPath, ProbeArg}
	}
	return &Loader{
		cache:       c,
		prober:      prober{command: command, timeout: cmp.Or(o.ProbeTimeout, defaultProbeTimeout)},
		openTimeout: cmp.Or(o.OpenTimeout, defaultOpenTimeout),
		images:      make(map[digest]*Image),
		failed:      make(map[digest]error),
	}, nil
}

// Open returns the image of a file's present content, and opens it when this is the first time. It takes 10 to 30 ms
// then and about 3 ms otherwise, plus the time of the module's init functions, twice: call it off the execution lock.
//
// Errors: those of the file system; ErrNotRegular, ErrTooLarge; errors of package image for files
// that do not fit; ErrProbe; ErrPoisoned, ErrOpenTimeout and errors of the open itself, which leave the content poisoned.
func (l *Loader) Open(ctx context.Context, path string) (*Image, error) {
	l.turn.Lock()
	defer l.turn.Unlock()
	copied, sum, err := l.cache.add(path)
	if err != nil {
		return nil, err
	}
	defer os.Remove(copied)
	if known := l.known(sum); known != nil {
		return known, nil
	}
	if reason := l.failed[sum]; reason != nil {
		return nil, fmt.Errorf("%w: %w", ErrPoisoned, reason)
	}
	report, err := l.check(ctx, copied)
	if err != nil {
		return nil, err
	}
	return l.open(path, copied, sum, report.File)
}

// Check tells whether Open would accept a file, without opening it in this process. The report is nil when the file
// cannot be read as a plugin at all; its problems are in the error, too.
func (l *Loader) Check(ctx context.Context, path string) (*image.Report, error) {
	l.turn.Lock()
	defer l.turn.Unlock()
	copied, sum, err := l.cache.add(path)
	if err != nil {
		return nil, err
	}
	defer os.Remove(copied)
	if reason := l.failed[sum]; reason != nil {
		return nil, fmt.Errorf("%w: %w", ErrPoisoned, reason)
	}
	if l.known(sum) != nil {
		file, err := image.Read(copied)
		return &image.Report{File: file}, err
	}
	return l.check(ctx, copied)
}

// Images returns what this process has opened, the oldest first.
func (l *Loader) Images() []*Image {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]*Image, 0, len(l.images))
	for _, i := range l.images {
		list = append(list, i)
	}
	slices.SortFunc(list, func(a, b *Image) int { return a.Generation - b.Generation })
	return list
}

// check looks at a private copy and then lets a child open it.
func (l *Loader) check(ctx context.Context, copied string) (*image.Report, error) {
	if l.self == nil {
		self, err := image.Self()
		if err != nil {
			return nil, err
		}
		l.self = self
	}
	file, err := image.Read(copied)
	if err != nil {
		return nil, err
	}
	report := image.Compare(file, l.self, l.mapped)
	if err := report.Err(); err != nil {
		return report, err
	}
	return report, l.prober.probe(ctx, copied)
}

// open maps a checked copy. The content counts as poisoned until it has succeeded.
func (l *Loader) open(source, copied string, sum digest, file *image.File) (*Image, error) {
	l.mapped = append(l.mapped, file)
	l.failed[sum] = ErrOpenTimeout
	opened := make(chan entry, 1) // runGuarded may give up on the goroutine: what that has to say stays here
	err := runGuarded(l.openTimeout, func() error {
		e, err := openEntry(copied)
		opened <- e
		return err
	})
	if errors.Is(err, ErrTimeout) {
		err = fmt.Errorf("%w: %w", ErrOpenTimeout, err)
	}
	if err != nil {
		l.failed[sum] = err
		return nil, fmt.Errorf("open: %w", err)
	}
	delete(l.failed, sum)
	e := <-opened
	img := &Image{
		OnLoad: e.onLoad, OnUnload: e.onUnload,
		Source: source, SHA256: sum.String(), PluginPath: file.PluginPath, GoVersion: file.GoVersion(),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	img.Generation = len(l.images) + 1
	l.images[sum] = img
	return img, nil
}

func (l *Loader) known(sum digest) *Image {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.images[sum]
}
