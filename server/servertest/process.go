package servertest

import (
	"bytes"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// process is a child with its output. done is closed once it has been waited for.
type process struct {
	cmd  *exec.Cmd
	log  *logBuffer
	done chan struct{}
}

// startProcess starts a child that the kernel kills should the test process die before its cleanups have run.
func startProcess(program, dir string, args, env []string) (*process, error) {
	p := &process{cmd: exec.Command(program, args...), log: &logBuffer{}, done: make(chan struct{})}
	p.cmd.Dir = dir
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // the code is read from ProcessState
		close(p.done)
	}()
	return p, nil
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// exitCode is valid once done is closed; -1 stands for death by a signal.
func (p *process) exitCode() int { return p.cmd.ProcessState.ExitCode() }

// logBuffer collects a child's output while the test reads it.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
