// Command benchcompare measures the daemon against redis-server and other peers under equal settings.
//
// It owns the method: servers side by side on loopback, rounds interleaved A B A B …, medians, and no verdict where
// the spread is wider than the difference. Its first figure is the server's CPU time per operation, since on a shared
// machine throughput measures the neighbours too. It has five sections: speed, modules, memory, latency and stops. It
// drives redis-benchmark and refuses to be a load generator itself, apart from filling servers and from a prober that
// sends a PING each millisecond.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

var errInterrupted = errors.New("interrupted")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-compare:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if o.from != "" {
		return show(o, out)
	}
	f, err := newFleet(ctx, o)
	if err != nil {
		return err
	}
	defer f.cleanUp()
	rep := &report{Environment: f.environment(args)}
	rep.Environment.print(out)
	if err = f.measure(rep, out); ctx.Err() != nil {
		err = errInterrupted // and not what the end of the servers led to
	}
	return errors.Join(err, finish(o, rep, out))
}

// measure goes through the sections and prints each as it is done. One that ends with an error is printed as far as it
// came; those after it are left out.
func (f *fleet) measure(rep *report, out io.Writer) error {
	sections := []struct {
		wanted bool
		run    func() error
		print  func(io.Writer)
	}{
		{f.o.speed, func() (err error) { rep.Rows, err = f.measureSpeed(); return err }, rep.printSpeed},
		{f.o.modules, func() (err error) { rep.Modules, err = f.measureModule(); return err }, rep.printModules},
		{f.o.memory, func() (err error) { rep.Memory, err = f.measureMemory(); return err }, rep.printMemory},
		{f.o.latency, func() (err error) { rep.Latency, err = f.measureLatency(); return err }, rep.printLatency},
		{f.o.stops, func() (err error) { rep.Stops, err = f.measureStops(); return err }, rep.printStops},
	}
	for _, s := range sections {
		if !s.wanted {
			continue
		}
		err := s.run()
		f.endProgress()
		s.print(out)
		if err != nil {
			return err
		}
	}
	return nil
}

// finish judges the targets and stores the report.
func finish(o options, rep *report, out io.Writer) error {
	rep.Targets = rep.judgeTargets()
	if o.targets {
		printTargets(out, rep.Targets)
	}
	return rep.write(o.jsonPath)
}

// show prints a stored report; the targets are those of this tree, not those of its time.
func show(o options, out io.Writer) error {
	rep, err := readReport(o.from)
	if err != nil {
		return err
	}
	rep.Environment.print(out)
	rep.print(out)
	return finish(o, rep, out)
}
