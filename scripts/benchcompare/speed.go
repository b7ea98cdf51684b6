package main

import "fmt"

// measureSpeed runs every test at every depth: all servers stay up, one works at a time. What was measured before an
// error is returned with it.
func (f *fleet) measureSpeed() ([]row, error) {
	var rows []row
	for _, name := range f.o.tests {
		w, err := workloadNamed(name)
		if err != nil {
			return rows, err
		}
		for _, pipeline := range f.o.pipelines {
			r, err := f.measureRow(w, pipeline)
			if err != nil {
				return rows, fmt.Errorf("%s P%d: %w", w.name, pipeline, err)
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// measureRow starts fresh servers, so that no test inherits another's fragmentation or garbage.
func (f *fleet) measureRow(w workload, pipeline int) (row, error) {
	defer f.stopAll()
	servers, err := f.startAll()
	if err != nil {
		return row{}, err
	}
	ops := w.operations(pipeline, f.o.seconds)
	w = w.sized(f.o, pipeline, ops)
	r := row{Test: w.name, Pipeline: pipeline, Operations: ops, Servers: make([]result, len(servers))}
	l := load{command: w.command, ops: ops, pipeline: pipeline, clients: f.o.clients, span: w.span}
	f.progress("%s P%d: filling", w.name, pipeline)
	for i, s := range servers {
		r.Servers[i].Name = s.name
		if err := r.Servers[i].refuse(f.warmUp(s, w, l)); err != nil {
			return r, err
		}
	}
	for round := range f.o.rounds {
		f.progress("%s P%d: round %d/%d", w.name, pipeline, round+1, f.o.rounds)
		for i, s := range servers {
			if res := &r.Servers[i]; res.Refusal == "" {
				if err := res.refuse(f.runOnce(s, w, l, res)); err != nil {
					return r, err
				}
			}
		}
	}
	return r, nil
}

// warmUp fills a server, asks whether it knows the command at all, and lets it run for a while.
func (f *fleet) warmUp(s *server, w workload, l load) error {
	if err := f.prepare(s, w); err != nil {
		return err
	}
	if err := tryOut(s, w.command); err != nil {
		return err
	}
	l.ops /= 4
	_, err := benchmark(f.ctx, s, l)
	return err
}

// tryOut sends the command once.
func tryOut(s *server, command string) error {
	c, err := dial(s.port)
	if err != nil {
		return err
	}
	defer c.close()
	_, err = c.do(one(command)...)
	return err
}

func (f *fleet) runOnce(s *server, w workload, l load, res *result) error {
	if w.refill || w.consume {
		if err := f.prepare(s, w); err != nil {
			return err
		}
	}
	sm, err := benchmark(f.ctx, s, l)
	if err == nil {
		res.Samples = append(res.Samples, sm)
	}
	return err
}

// prepare empties a server and fills it as the workload asks.
func (f *fleet) prepare(s *server, w workload) error {
	c, err := dial(s.port)
	if err != nil {
		return err
	}
	defer c.close()
	if _, err := c.do("FLUSHALL"); err != nil {
		return err
	}
	n, command := w.fill.commands(w.span)
	return s.explain(c.fill(n, max(1, fillBatch/elementsPerCommand), command))
}
