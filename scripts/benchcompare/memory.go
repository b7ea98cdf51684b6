package main

import (
	"fmt"
	"strings"
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
}

// settle is how long a server may finish resizing and collecting before it is measured.
const settle = 1500 * time.Millisecond

// measureMemory fills fresh servers with 16-byte keys, fields or members and 32-byte values, and reads what the
// resident set and used_memory grew by.
func (f *fleet) measureMemory(elements int) ([]memoryRow, error) {
	value := strings.Repeat("v", 32)
	name := func(i int) string { return fmt.Sprintf("key:%012d", i) }
	kinds := []struct {
		name    string
		command func(i int) []string
	}{
		{"string", func(i int) []string { return []string{"SET", name(i), value} }},
		{"hash", func(i int) []string { return []string{"HSET", "h", name(i), value} }},
		{"zset", func(i int) []string { return []string{"ZADD", "z", fmt.Sprint(i), name(i)} }},
	}
	var rows []memoryRow
	for _, kind := range kinds {
		for _, p := range f.programs {
			m, err := f.measureFill(p, elements, kind.command)
			if err != nil {
				return nil, fmt.Errorf("memory of %s: %w", kind.name, err)
			}
			m.Data = kind.name
			rows = append(rows, m)
		}
	}
	return rows, nil
}

func (f *fleet) measureFill(p program, elements int, command func(i int) []string) (memoryRow, error) {
	m := memoryRow{Server: p.name, Elements: elements}
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
	before, err := footprintOf(s, c)
	if err != nil {
		return m, err
	}
	if err := c.fill(elements, command); err != nil {
		return m, err
	}
	select {
	case <-f.ctx.Done():
		return m, f.ctx.Err()
	case <-time.After(settle):
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
