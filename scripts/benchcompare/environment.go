package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// environment is what a figure cannot be understood without.
type environment struct {
	Time      string   `json:"time"`
	Arguments []string `json:"arguments,omitempty"`
	Revision  string   `json:"revision,omitempty"` // of this tree, with "+" where files are changed
	Daemon    string   `json:"daemon,omitempty"`
	Redis     string   `json:"redis,omitempty"`
	Go        string   `json:"go"`
	Kernel    string   `json:"kernel,omitempty"`
	CPU       string   `json:"cpu,omitempty"`
	CPUs      int      `json:"cpus"`
	Nice      int      `json:"nice"`           // of this program, the servers and redis-benchmark
	Load      string   `json:"load,omitempty"` // average of the last minute before the run: the neighbours
}

func (f *fleet) environment(args []string) environment {
	e := environment{Time: time.Now().UTC().Format(time.RFC3339), Arguments: args, Go: runtime.Version(), CPUs: runtime.NumCPU(),
		Revision: output(f.ctx, "git", "rev-parse", "--short", "HEAD"),
		Daemon:   output(f.ctx, f.binary, "--version"),
		Redis:    output(f.ctx, f.o.redis, "--version"),
		Kernel:   firstField("/proc/sys/kernel/osrelease"),
		Load:     firstField("/proc/loadavg"),
	}
	if rank, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err == nil {
		e.Nice = 20 - rank // the system call returns 1 to 40
	}
	if output(f.ctx, "git", "status", "--porcelain") != "" {
		e.Revision += "+"
	}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(info), "model name"); ok {
			line, _, _ := strings.Cut(rest, "\n")
			e.CPU = strings.Trim(line, "\t :")
		}
	}
	return e
}

func (e environment) print(w io.Writer) {
	_, _ = fmt.Fprintf(w, "%s, revision %s: %s\nagainst %s\n%s, Linux %s, %d × %s, load %s, nice %d\n", e.Time, e.Revision, e.Daemon,
		e.Redis, e.Go, e.Kernel, e.CPUs, e.CPU, e.Load, e.Nice)
}

// output is the first line that a command prints, "" where it fails: a tree need not be a git repository.
func output(ctx context.Context, name string, args ...string) string {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

func firstField(path string) string {
	text, err := os.ReadFile(path)
	if fields := strings.Fields(string(text)); err == nil && len(fields) > 0 {
		return fields[0]
	}
	return ""
}
