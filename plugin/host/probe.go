package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// ProbeArg is the first argument that makes the daemon's executable a probe: main must hand over to ProbeMain then.
const ProbeArg = "__probe-module"

const (
	probeFd        = 3           // where the child reports: module code may write to the standard streams
	probeOK        = "module ok" // the report of success
	maxProbeReport = 4 << 10     // bytes of the child's report and of its standard error that are read
	probeWaitDelay = time.Second // for grandchildren that hold the pipes open after the child's death
)

// ProbeMain opens the plugin file args[0], checks its symbols and reports on file descriptor 3. It returns the status
// to exit with. args are those after ProbeArg.
func ProbeMain(args []string) int {
	report := os.NewFile(probeFd, "report")
	if report == nil || len(args) != 1 {
		fmt.Fprintln(os.Stderr, "this command is used by the daemon itself to try a module before it is loaded")
		return 2
	}
	syscall.CloseOnExec(probeFd)
	// The parent's patience is the only limit: it ends this process.
	const untilKilled = 24 * time.Hour
	err := runGuarded(untilKilled, func() error {
		_, err := openEntry(args[0])
		return err
	})
	if err != nil {
		fmt.Fprint(report, err)
		return 1
	}
	fmt.Fprint(report, probeOK)
	return 0
}

// prober starts children that open a file.
type prober struct {
	command []string // the executable and the arguments before the file
	timeout time.Duration
}

// probe opens a file in a child process. Whatever opening it does, this process only gets an error, which wraps
// ErrProbe.
func (p prober) probe(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrProbe, err)
	}
	defer r.Close()
	stderr := &head{limit: maxProbeReport}
	cmd := exec.CommandContext(ctx, p.command[0], append(p.command[1:len(p.command):len(p.command)], path)...)
	cmd.ExtraFiles = []*os.File{w}
	cmd.Stderr = stderr
	cmd.WaitDelay = probeWaitDelay
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err = cmd.Start()
	w.Close()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrProbe, err)
	}
	waited := cmd.Wait()
	r.SetReadDeadline(time.Now().Add(probeWaitDelay)) // a grandchild may hold the other end
	report, err := io.ReadAll(io.LimitReader(r, maxProbeReport))
	switch text := string(report); {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: it did not finish in %v: %w", ErrProbe, p.timeout, ctx.Err())
	case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: %w", ErrProbe, err)
	case text == probeOK && waited == nil:
		return nil
	case text != "" && text != probeOK:
		return fmt.Errorf("%w: %s", ErrProbe, oneLine(text))
	case waited == nil:
		return fmt.Errorf("%w: the module ends the process with status 0 while it is opened", ErrProbe)
	default:
		return fmt.Errorf("%w: opening it ends the process: %v: %s", ErrProbe, waited, oneLine(stderr.String()))
	}
}

// oneLine keeps the first line that says something.
func oneLine(text string) string {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return "no message"
}

// head keeps the first bytes written to it and swallows the rest.
type head struct {
	bytes.Buffer
	limit int
}

func (h *head) Write(p []byte) (int, error) {
	if room := h.limit - h.Len(); room > 0 {
		h.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
