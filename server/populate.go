package server

import (
	"sync"

	"datastore/keyspace"
)

// populator gets memory ready that the keyspace will need soon, in a goroutine that exists while there is something to do
// and needs no lock: so the system's time for finding and clearing memory is nobody's wait.
type populator struct {
	mu      sync.Mutex
	chunks  []keyspace.Extent // that will be used whether they are ready or not: first
	arrays  []keyspace.Extent // that are waited for
	running bool
	wg      sync.WaitGroup
}

// ask takes an order; the keyspace calls it.
func (p *populator) ask(e keyspace.Extent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Waited() {
		p.arrays = append(p.arrays, e)
	} else {
		p.chunks = append(p.chunks, e)
	}
	if !p.running {
		p.running = true
		p.wg.Go(p.work)
	}
}

// stop forgets the orders that are not begun and waits for the one that is.
func (p *populator) stop() {
	p.mu.Lock()
	p.chunks, p.arrays = nil, nil
	p.mu.Unlock()
	p.wg.Wait()
}

// work carries out orders until there are none.
func (p *populator) work() {
	for {
		p.mu.Lock()
		queue := &p.chunks
		if len(*queue) == 0 {
			queue = &p.arrays
		}
		if len(*queue) == 0 {
			p.chunks, p.arrays, p.running = nil, nil, false
			p.mu.Unlock()
			return
		}
		e := (*queue)[0]
		*queue = (*queue)[1:]
		p.mu.Unlock()
		_ = e.Populate() // what fails here happens to who needs the memory, and is seen there
	}
}
