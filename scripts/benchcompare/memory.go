package main

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// memoryRow is the cost of one kind of data in one server.
type memoryRow struct {
	Data           string  `json:"data"`
	Server         string  `json:"server"`
	Elements       int     `json:"elements"`
	RSSPerElement  float64 `json:"rss_bytes_per_element"`
	UsedPerElement float64 `json:"used_memory_bytes_per_element"`
	FillCPUSecs    float64 `json:"fill_cpu_s"`
	Refusal        string  `json:"refused,omitempty"`
}

// deviation is by how many percent used_memory's growth differs from the resident set's.
func (m memoryRow) deviation() float64 {
	if m.RSSPerElement == 0 {
		return 0
	}
	return (m.UsedPerElement/m.RSSPerElement - 1) * 100
}

const (
	// settle is how long a server may finish resizing and collecting, and give back what it does not need for more growth,
	// before it is measured.
	settle = 6 * time.Second
	// smallSize is how many elements a small collection has: packed in all servers, apart from sets of strings, which
	// Redis packs since 7.2 only.
	smallSize = 50
	// greetings warm the connection up: buffers that grow to their size are not the data's.
	greetings = 100_000
)

// dataset is one kind of data: a large one is one collection (or the keyspace), a small one many of smallSize elements.
type dataset struct {
	name  string
	small bool
	head  []string // the command, and the large collection's key
	each  func(args []string, i int) []string
	times int // as many times --keys elements: small ones, beside which the process's own growth would be seen
}

// datasets have 16-byte keys, fields and members, and 32-byte values.
func datasets() []dataset {
	value := value32()
	pair := func(args []string, i int) []string { return append(args, padded("key:", i), value) }
	member := func(args []string, i int) []string { return append(args, padded("key:", i)) }
	number := func(args []string, i int) []string { return append(args, strconv.Itoa(i)) }
	text := func(args []string, _ int) []string { return append(args, value) }
	scored := func(args []string, i int) []string { return append(args, strconv.Itoa(i), padded("key:", i)) }
	return []dataset{
		{"string", false, []string{"MSET"}, pair, 1},
		{"hash", false, []string{"HSET", "h"}, pair, 1},
		{"set", false, []string{"SADD", "s"}, member, 1},
		{"zset", false, []string{"ZADD", "z"}, scored, 1},
		{"list", false, []string{"RPUSH", "l"}, text, 1},
		{"hash of 50", true, []string{"HSET"}, pair, 1},
		{"set of 50", true, []string{"SADD"}, member, 1},
		{"set of 50 ints", true, []string{"SADD"}, number, 5},
		{"zset of 50", true, []string{"ZADD"}, scored, 1},
		{"list of 50", true, []string{"RPUSH"}, text, 1},
	}
}

// command is the i-th of the commands that create the data; each adds smallSize elements.
func (d dataset) command(i, elements int) []string {
	args := slices.Clone(d.head)
	if d.small {
		args = append(args, padded("col:", i))
	}
	for element := i * smallSize; element < min((i+1)*smallSize, elements); element++ {
		args = d.each(args, element)
	}
	return args
}

// measureMemory fills fresh servers and reads what the resident set and used_memory grew by.
func (f *fleet) measureMemory() ([]memoryRow, error) {
	var rows []memoryRow
	for _, d := range datasets() {
		for _, p := range f.programs {
			f.progress("memory: %s in %s", d.name, p.name)
			m, err := f.measureFill(p, d)
			if m.Refusal = refusal(err); err != nil && m.Refusal == "" {
				return rows, fmt.Errorf("memory of %s in %s: %w", d.name, p.name, err)
			}
			rows = append(rows, m)
		}
	}
	return rows, nil
}

func (f *fleet) measureFill(p program, d dataset) (memoryRow, error) {
	elements := f.o.memoryKeys * d.times
	m := memoryRow{Data: d.name, Server: p.name, Elements: elements}
	defer f.stopAll()
	s, err := f.start(p)
	if err != nil {
		return m, err
	}
	c, err := dial(s.port)
	if err != nil {
		return m, err
	}
	defer c.close()
	greeting := []string{"ECHO", value32()}
	if err := c.fill(greetings, fillBatch, func(int) []string { return greeting }); err != nil {
		return m, err
	}
	before, err := footprintOf(s, c)
	if err != nil {
		return m, err
	}
	n := (elements + smallSize - 1) / smallSize
	if err := c.fill(n, fillBatch/smallSize, func(i int) []string { return d.command(i, elements) }); err != nil {
		return m, s.explain(err)
	}
	if err := pause(f.ctx, settle); err != nil {
		return m, err
	}
	after, err := footprintOf(s, c)
	if err != nil {
		return m, err
	}
	m.RSSPerElement = float64(after.rss-before.rss) / float64(elements)
	m.UsedPerElement = float64(after.used-before.used) / float64(elements)
	m.FillCPUSecs = after.cpu - before.cpu
	return m, nil
}

// footprint is a server's cost at one moment.
type footprint struct {
	rss, used int64
	cpu       float64
}

func footprintOf(s *server, c *client) (fp footprint, err error) {
	if fp.used, err = c.usedMemory(); err != nil {
		return fp, err
	}
	if fp.cpu, err = cpuSeconds(s.cmd.Process.Pid); err != nil {
		return fp, err
	}
	fp.rss, err = residentBytes(s.cmd.Process.Pid)
	return fp, err
}
