package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"go.uber.org/zap"

	"datastore/server"
	"datastore/server/config"
)

// daemonEnv marks the child that daemonize started.
const daemonEnv = "DATASTORE_DAEMON_CHILD"

// serve runs the server until it ends.
func serve(args []string) error {
	var stdin bytes.Buffer // what the configuration took from there, for the child of daemonize
	cfg, err := config.Load(args, io.TeeReader(os.Stdin, &stdin))
	if err != nil {
		return configError(err)
	}
	v := cfg.Values()
	if v.Daemonize && !supervised(v) && os.Getenv(daemonEnv) == "" {
		return daemonize(args, stdin.Bytes())
	}
	if err := os.Unsetenv(daemonEnv); err != nil {
		return err
	}
	if err := os.Chdir(v.Dir); err != nil {
		return fmt.Errorf("can't chdir to '%s': %w", v.Dir, err)
	}
	out, err := openLog(v.LogFile)
	if err != nil {
		return &exitError{code: 1, err: logFileError(err)}
	}
	var srv atomic.Pointer[server.Server]
	log, level := newLogger(out, v, os.Getpid(), func() byte {
		if s := srv.Load(); s != nil {
			return s.RoleLetter()
		}
		return 'M'
	})
	cfg.OnChange("loglevel", func(_, _ string) error {
		level.SetLevel(configLevel(v.LogLevel))
		return nil
	})
	pid := &pidFile{}
	s, err := server.New(server.Options{
		Config: cfg, Build: release,
		Log: func(l server.Level, line string) {
			if e := log.Check(zapLevel(l), line); e != nil {
				e.Write()
			}
		},
		OnReady: func() { notifySupervisor(v, log, "READY=1\nSTATUS=Ready to accept connections\n") },
	})
	if err != nil {
		return err
	}
	srv.Store(s)
	greet(cfg, log, args)
	if err := pid.write(v); err != nil {
		log.Error("Failed to write PID file: " + err.Error())
	}
	go watchSignals(s, v, log)
	err = s.Run(context.Background())
	notifySupervisor(v, log, "STOPPING=1\n")
	pid.remove(log)
	if err != nil {
		return &exitError{code: 1}
	}
	return nil
}

// configError prints what is wrong with the configuration in the shape that redis-server uses.
func configError(err error) error {
	var parse *config.ParseError
	if errors.As(err, &parse) {
		return &exitError{code: 1, err: errors.New(strings.TrimSuffix(parse.Block(server.Version), "\n"))}
	}
	return &exitError{code: 1, err: err}
}

// logFileError words the error as redis-server does, whose log file is a directive like any other.
func logFileError(err error) error {
	text := err.Error()
	if no := syscall.Errno(0); errors.As(err, &no) {
		text = strings.ToUpper(no.Error()[:1]) + no.Error()[1:]
	}
	return fmt.Errorf("\n*** FATAL CONFIG FILE ERROR (Redis %s) ***\nCan't open the log file: %s", server.Version, text)
}

func openLog(name string) (io.Writer, error) {
	if name == "" {
		return os.Stdout, nil
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	_, err = logFile(path).Write(nil)
	return logFile(path), err
}

// logFile is opened for each line, as redis-server does, so that whoever rotates logs only has to rename it.
type logFile string

func (name logFile) Write(line []byte) (int, error) {
	f, err := os.OpenFile(string(name), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return 0, err
	}
	n, err := f.Write(line)
	return n, errors.Join(err, f.Close())
}

// greet logs the first lines; tools wait for some of their words.
func greet(cfg *config.Config, log *zap.Logger, args []string) {
	log.Error("oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo")
	log.Error(fmt.Sprintf("Redis version=%s, bits=64, commit=00000000, modified=0, pid=%d, just started (datastore %s)",
		server.Version, os.Getpid(), release))
	if len(args) == 0 {
		log.Error("Warning: no config file specified, using the default config. In order to specify a config file use " +
			"datastore /path/to/datastore.conf")
	} else {
		log.Error("Configuration loaded")
	}
	for _, w := range cfg.Warnings() {
		log.Error(w)
	}
	mode := "standalone"
	log.Warn(fmt.Sprintf("Running mode=%s, port=%d.", mode, cfg.Values().Port))
	log.Warn(fmt.Sprintf("PID: %d", os.Getpid()))
}

// watchSignals asks for an orderly end on the first SIGTERM or SIGINT and ends the process at once on the second.
func watchSignals(s *server.Server, v *config.Values, log *zap.Logger) {
	ch := make(chan os.Signal, 4)
	signal.Notify(ch, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGPIPE)
	asked := false
	for sig := range ch {
		flags := v.ShutdownOnSIGTERM
		switch sig {
		case syscall.SIGHUP, syscall.SIGPIPE:
			continue
		case syscall.SIGINT:
			flags = v.ShutdownOnSIGINT
			log.Error("Received SIGINT scheduling shutdown...")
		default:
			log.Error("Received SIGTERM scheduling shutdown...")
		}
		if asked && s.Ending() {
			log.Error("You insist... exiting now.")
			os.Exit(1)
		}
		asked = true // an end that could not save was called off, and the next signal tries again
		s.Shutdown(flags)
	}
}

// daemonize starts this program again without a terminal and ends the parent. Go programs cannot fork; the child is told
// by its environment, and reads what was read from standard input again.
func daemonize(args []string, stdin []byte) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), daemonEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if len(stdin) == 0 {
		return cmd.Start()
	}
	f, err := os.CreateTemp("", "datastore-config-*")
	if err != nil {
		return fmt.Errorf("daemonize: %w", err)
	}
	cmd.Stdin = f
	if err = os.Remove(f.Name()); err == nil {
		_, err = f.Write(stdin)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err == nil {
		err = cmd.Start()
	}
	return errors.Join(err, f.Close())
}

// pidFile is the file with the process id, written when pidfile is set or the server runs as a daemon.
type pidFile struct{ name string }

func (p *pidFile) write(v *config.Values) error {
	name := v.PidFile
	if name == "" {
		if !v.Daemonize {
			return nil
		}
		name = "/var/run/redis.pid"
	}
	if err := os.WriteFile(name, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o644); err != nil {
		return err
	}
	p.name = name
	return nil
}

func (p *pidFile) remove(log *zap.Logger) {
	if p.name == "" {
		return
	}
	log.Warn("Removing the pid file.")
	if err := os.Remove(p.name); err != nil {
		log.Error("Removing the pid file: " + err.Error())
	}
}

// notifyVariable is where systemd tells the name of its socket.
const notifyVariable = "NOTIFY_SOCKET"

// supervised reports whether systemd runs the server and wants to hear of it.
func supervised(v *config.Values) bool {
	return os.Getenv(notifyVariable) != "" && (v.Supervised == config.SupervisedSystemd || v.Supervised == config.SupervisedAuto)
}

// notifySupervisor tells systemd that clients can connect, or that the server ends.
func notifySupervisor(v *config.Values, log *zap.Logger, state string) {
	if !supervised(v) {
		if v.Supervised == config.SupervisedSystemd {
			log.Error("systemd supervision error: NOTIFY_SOCKET not found!")
		}
		return
	}
	if err := sendNotify(os.Getenv(notifyVariable), state); err != nil {
		log.Error("systemd notification: " + err.Error())
	}
}

func sendNotify(path, state string) error {
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return err
	}
	_, err = c.Write([]byte(state))
	return errors.Join(err, c.Close())
}
