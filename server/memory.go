package server

// usedMemory is what INFO calls used_memory, in bytes: the dataset by the size of its blocks, the headers of the chunks that
// they are cut from, and all objects on the Go heap.
func (s *Server) usedMemory() int64 {
	return s.store.UsedBytes() - s.store.HeapBytes() + s.store.HeaderBytes() + s.heap.objectBytes(s.turn)
}

// memoryFacts are the figures that INFO, MEMORY STATS and MEMORY DOCTOR are made of, in bytes.
type memoryFacts struct {
	used, peak, startup int64
	dataset             int64 // keys and values without the tables of the databases
	overhead            int64 // everything else
	tables              []databaseTables
	keys                int64
	clients             int // connections that are not replicas

	normal, replicas   int64 // buffers of connections
	backlog, aofBuffer int64

	heap                        goHeap
	allocated, active, resident int64 // blocks and objects, pages that hold some, pages that were not given back
	rss                         int64
}

// databaseTables are the tables of a database that has keys.
type databaseTables struct {
	db            int
	keys, expires int64
}

func (s *Server) memoryFacts() memoryFacts {
	f := memoryFacts{used: s.usedMemory(), startup: s.admin.startupBytes, heap: s.heap.read(), rss: residentBytes()}
	s.stats.peakMemory = max(s.stats.peakMemory, f.used)
	f.peak = s.stats.peakMemory
	f.dataset = s.store.UsedBytes()
	for i := range s.store.Databases() {
		db := s.store.DB(i)
		keys, expires := db.TableBytes()
		f.dataset -= keys + expires
		f.keys += int64(db.Len())
		if db.Len() > 0 {
			f.tables = append(f.tables, databaseTables{i, keys, expires})
		}
	}
	f.overhead = f.used - f.dataset
	blocks := s.store.UsedBytes() - s.store.HeapBytes()
	f.allocated, f.active = blocks+f.heap.objects, s.store.ActiveBytes()+f.heap.inUse
	f.resident = s.store.MappedBytes() + f.heap.resident
	for _, c := range s.conns {
		if c.replica != nil {
			f.replicas += int64(c.memory())
		} else {
			f.normal += int64(c.memory())
			f.clients++
		}
	}
	if s.log != nil && s.log.Running() {
		f.aofBuffer = s.log.Status().BufferBytes
	}
	f.backlog = s.repl.stream.HeldBytes()
	return f
}

// gained is what has been used since the server started, at least the dataset.
func (f *memoryFacts) gained() int64 { return max(f.used-f.startup, f.dataset) }

// quotient is 0 where it would have no meaning.
func quotient(a, b int64) float64 {
	if b <= 0 {
		return 0
	}
	return float64(a) / float64(b)
}
