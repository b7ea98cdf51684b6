package server

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"datastore/server/command"
	"datastore/server/latency"
)

// Events of the latency monitor. The names of those that Redis has as well are Redis's.
const (
	eventCommand      = "command"
	eventFastCommand  = "fast-command"
	eventUnblocking   = "command-unblocking"
	eventExpireCycle  = "expire-cycle"
	eventAOFWrite     = "aof-write"
	eventWriteAlone   = "aof-write-alone"
	eventWriteSyncing = "aof-write-pending-fsync"
	eventFsyncAlways  = "aof-fsync-always"
	eventGCPause      = "gc-pause"
	eventCron         = "cron"
	eventBackground   = "background"
	eventTurn         = "loop-turn"
)

// watched is an event that is measured, with the words of LATENCY DOCTOR about it.
type watched struct {
	event  string
	what   string
	advice string
}

// watchedEvents lists what is measured. Redis's other events have no counterpart here: nothing forks, nothing is evicted
// yet.
func watchedEvents() []watched {
	const slowDisk = "The disk is slow to take the append only file. Give it a local disk of its own, preferably an SSD, and " +
		"look for other programs that write to it."
	return []watched{
		{eventCommand, "a command that is not flagged as fast, also EXEC with all that was queued",
			"Nobody else is served while a command runs. Replace those that look at a whole collection or at all keys " +
				"(KEYS, SMEMBERS, HGETALL, LRANGE 0 -1) by SCAN and its relatives or by ranges, and split large transactions. " +
				"LATENCY HISTOGRAM tells which commands take long."},
		{eventFastCommand, "a command that is flagged as fast",
			"Commands that take microseconds took milliseconds: the process did not get the processor or its memory. Look for " +
				"other programs on this machine, for swapping, and for time that the host takes from a virtual machine."},
		{eventExpireCycle, "the search for keys whose time has come",
			"The search is done in slices of a quarter of a millisecond. If they take longer, the process did not get the processor."},
		{eventAOFWrite, "writing the effects of a turn to the append only file", slowDisk},
		{eventWriteAlone, "such a write while no fsync was running", slowDisk},
		{eventWriteSyncing, "such a write while an fsync was running", slowDisk},
		{eventFsyncAlways, "an fsync that replies waited for, under appendfsync always",
			"Every reply waits for the disk under appendfsync always. If the loss of one second in a power failure can be " +
				"borne, use everysec; else a disk whose cache survives power failures answers fsync at once."},
		{eventGCPause, "a stop of all goroutines by Go's garbage collector, at least that long",
			"The collector's stops stay below a millisecond unless threads do not get the processor: give the process at " +
				"least two, and look at what modules allocate."},
		{eventCron, "the periodic work, except what has a name of its own",
			"The periodic work took long: with a higher hz it is done in smaller pieces."},
		{eventBackground, "a slice of background work: freeing, resizing, moving records together",
			"Slices are bounded to a millisecond of work, so the process did not get the processor, or the system took long " +
				"to take memory back: look for swapping and at the load of the machine."},
		{eventTurn, "a turn of the event loop, except what has a name of its own",
			"One turn served many commands, large arguments or large replies, or the process did not get the processor " +
				"meanwhile. Look at eventloop_longest_turn_usec in INFO stats and at the load of the machine, and let clients " +
				"ask for less at once."},
	}
}

// slowestShown is how many commands LATENCY DOCTOR names.
const slowestShown = 3

// latencyDoctor explains the events.
func (s *Server) latencyDoctor(c *command.Ctx) error {
	c.W.Verbatim("txt", []byte(s.diagnosis()))
	return nil
}

func (s *Server) diagnosis() string {
	m, t := &s.timing.monitor, &s.timing
	events := m.Events()
	var b strings.Builder
	switch {
	case len(events) == 0 && !t.monitoring():
		b.WriteString("Events that take long are not recorded. CONFIG SET latency-monitor-threshold MILLISECONDS records those " +
			"that take at least so long.\n\nThese are measured:\n\n")
	case len(events) == 0:
		fmt.Fprintf(&b, "Nothing has taken %d ms or more. These are measured:\n\n", s.values.LatencyMonitorThresholdMs)
	default:
		s.diagnose(&b, events)
		return b.String()
	}
	for _, w := range watchedEvents() {
		fmt.Fprintf(&b, "- %s: %s.\n", w.event, w.what)
	}
	return b.String()
}

// diagnose describes events and gives each advice that fits them once.
func (s *Server) diagnose(b *strings.Builder, events []string) {
	b.WriteString("Events that took long:\n\n")
	var advice []string
	for i, event := range events {
		sum := s.timing.monitor.Summarize(event, s.turn.Unix())
		fmt.Fprintf(b, "%d. %s: samples %d, mean %d ms, mean deviation %d ms, one per %.2f s, worst ever %d ms", i+1,
			event, sum.Count, sum.MeanMs, sum.SpreadMs, sum.PeriodSec, sum.WorstMs)
		for _, w := range watchedEvents() {
			if w.event == event {
				fmt.Fprintf(b, ". This is %s", w.what)
				if !slices.Contains(advice, w.advice) {
					advice = append(advice, w.advice)
				}
			}
		}
		b.WriteString(".\n")
	}
	if text := s.slowestCommands(); text != "" && slices.Contains(events, eventCommand) {
		b.WriteString("\nThe slowest commands: " + text + ".\n")
	}
	b.WriteString("\nAdvice:\n\n")
	for _, a := range advice {
		b.WriteString("- " + a + "\n")
	}
}

// slowestCommands names the commands with the longest executions, if those took a millisecond.
func (s *Server) slowestCommands() string {
	var list []*command.Command
	s.eachCommand(func(cmd *command.Command) {
		if cmd.Stats.Latency.Percentile(100) >= int64(time.Millisecond) {
			list = append(list, cmd)
		}
	})
	slices.SortStableFunc(list, func(a, b *command.Command) int {
		return int(b.Stats.Latency.Percentile(100) - a.Stats.Latency.Percentile(100))
	})
	var words []string
	for _, cmd := range list[:min(len(list), slowestShown)] {
		h := &cmd.Stats.Latency
		words = append(words, fmt.Sprintf("%s (calls %d, half of them within %.3f ms, longest %.3f ms)", cmd.FullName(),
			h.Count(), float64(h.Percentile(50))/1e6, float64(h.Percentile(100))/1e6))
	}
	return strings.Join(words, ", ")
}

// percentiles renders percentiles of a histogram as INFO shows them.
func percentiles(h *latency.Histogram, names []string) string {
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteByte(',')
		}
		p, err := strconv.ParseFloat(name, 64)
		if err != nil {
			continue // config has read it before
		}
		fmt.Fprintf(&b, "p%s=%.3f", name, float64(h.Percentile(p))/1000)
	}
	return b.String()
}
