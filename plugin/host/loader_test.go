package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"datastore/plugin"
)

// counting is a module whose OnLoad tells how often init and OnLoad have run.
const counting = `package main

import (
	"errors"
	"fmt"

	"datastore/plugin"
)

var inits, loads int

func init() { inits++ }

func OnLoad(ctx plugin.Ctx, args []plugin.String) error {
	loads++
	return errors.New(fmt.Sprint("VERSION inits=", inits, " loads=", loads))
}

func OnUnload(ctx plugin.Ctx) error { return nil }

func main() {}
`

func says(t *testing.T, img *Image, want string) {
	t.Helper()
	if got := img.OnLoad(nil, nil); got == nil || got.Error() != want {
		t.Errorf("OnLoad says %v, want %q", got, want)
	}
}

func TestImages(t *testing.T) {
	v1 := compile(t, strings.Replace(counting, "VERSION", "v1", 1))
	v2 := compile(t, strings.Replace(counting, "VERSION", "v2", 1))
	l := newLoader(t, LoaderOptions{})
	open := func(path string) *Image {
		t.Helper()
		img, err := l.Open(context.Background(), path)
		if err != nil {
			t.Fatal(err)
		}
		return img
	}

	path := filepath.Join(t.TempDir(), "module.so")
	copyFile(t, v1, path)
	first := open(path)
	says(t, first, "v1 inits=1 loads=1")
	if first.OnUnload == nil || first.Generation != 1 || first.PluginPath == "" || len(first.SHA256) != 64 {
		t.Errorf("image is described as %+v", first)
	}

	// The same content under another name, and through a symbolic link, is the same image.
	link := filepath.Join(t.TempDir(), "link.so")
	if err := os.Symlink(v1, link); err != nil {
		t.Fatal(err)
	}
	if again := open(link); again != first {
		t.Error("the same content became another image")
	}
	says(t, first, "v1 inits=1 loads=2")

	// Another build overwrites the file in place: the mapped code is unharmed, and the path now means the new code.
	copyFile(t, v2, path)
	says(t, first, "v1 inits=1 loads=3")
	second := open(path)
	says(t, second, "v2 inits=1 loads=1")
	if second.Generation != 2 {
		t.Errorf("second image has generation %d", second.Generation)
	}

	// Back to the old build: its variables have kept their values.
	copyFile(t, v1, path)
	says(t, open(path), "v1 inits=1 loads=4")
	if images := l.Images(); len(images) != 2 || images[0] != first || images[1] != second {
		t.Errorf("Images returns %v", images)
	}
	report, err := l.Check(context.Background(), path)
	if err != nil || len(report.Problems) != 0 {
		t.Errorf("Check of a loaded file: %v, %v", report, err)
	}
}

// moody is a module whose init does what an environment variable says.
const moody = `package main

import (
	"os"
	"runtime"

	"datastore/plugin"
)

func init() {
	probing := len(os.Args) > 1 && os.Args[1] == "` + ProbeArg + `"
	switch os.Getenv("MOOD") {
	case "panic":
		panic("no mood")
	case "exit":
		os.Exit(7)
	case "exit0":
		os.Exit(0)
	case "hang":
		select {}
	case "goexit":
		runtime.Goexit()
	case "fatal":
		os.Stderr.WriteString("last words\n")
		var m map[int]int
		go func() { m[1] = 1 }()
		select {}
	case "later":
		if !probing {
			panic("only in the daemon")
		}
	}
}

func OnLoad(ctx plugin.Ctx, args []plugin.String) error { return nil }

func main() {}
`

func TestInitFailures(t *testing.T) {
	path := compile(t, moody)
	l := newLoader(t, LoaderOptions{ProbeTimeout: 2 * time.Second})
	tests := []struct{ mood, want string }{
		{"panic", "init: module panicked: no mood"},
		{"exit", "opening it ends the process: exit status 7: no message"},
		{"exit0", "ends the process with status 0"},
		{"hang", "it did not finish in 2s"},
		{"goexit", "runtime.Goexit"},
		{"fatal", "exit status 2: last words"},
	}
	for _, tt := range tests {
		t.Run(tt.mood, func(t *testing.T) {
			t.Setenv("MOOD", tt.mood)
			_, err := l.Open(context.Background(), path)
			if !errors.Is(err, ErrProbe) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want ErrProbe with %q", err, tt.want)
			}
			if err != nil && strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("error has line breaks: %q", err)
			}
		})
	}

	// What the child survived and this process did not is not tried again, whatever has changed.
	t.Setenv("MOOD", "later")
	_, err := l.Open(context.Background(), path)
	if !errors.Is(err, ErrPanic) || errors.Is(err, ErrProbe) {
		t.Fatalf("got %v, want a panic in this process", err)
	}
	t.Setenv("MOOD", "")
	if _, err = l.Open(context.Background(), path); !errors.Is(err, ErrPoisoned) || !errors.Is(err, ErrPanic) {
		t.Errorf("got %v, want ErrPoisoned with the reason", err)
	}
	if _, err = l.Check(context.Background(), path); !errors.Is(err, ErrPoisoned) {
		t.Errorf("Check: got %v, want ErrPoisoned", err)
	}
	if images := l.Images(); len(images) != 0 {
		t.Errorf("failed loads left images: %v", images)
	}
}

func TestCancelledProbe(t *testing.T) {
	l := newLoader(t, LoaderOptions{ProbeCommand: []string{"/bin/sh", "-c", "sleep 60"}})
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := l.prober.probe(ctx, "module.so"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the error of the context", err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("the probe was given up after %v", took)
	}
}

func TestGuard(t *testing.T) {
	want := errors.New("as it says")
	if err := runGuarded(time.Minute, func() error { return want }); err != want {
		t.Errorf("got %v, want the function's own error", err)
	}
	var wild *plugin.Key
	var pe *PanicError
	err := runGuarded(time.Minute, func() error { _ = wild.Title.Len(); return nil })
	if !errors.As(err, &pe) || !errors.Is(err, ErrPanic) || !strings.Contains(string(pe.Stack), "TestGuard") {
		t.Errorf("got %v, want a panic with its stack", err)
	}
	stop := make(chan struct{})
	defer close(stop)
	if err := runGuarded(time.Millisecond, func() error { <-stop; return nil }); !errors.Is(err, ErrTimeout) {
		t.Errorf("got %v, want ErrTimeout", err)
	}
}
