package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

const (
	million  = 1_000_000
	bigRange = 100_000 // distinct keys of the tests with 4 KB values: 400 MB a server
	randWord = "__rand_int__"
	// What one command of a fill carries at most.
	elementsPerCommand = 100
	bytesPerCommand    = 32 << 10
	// rangeList is what redis-benchmark fills its list with before it tests LRANGE.
	rangeList = 100_000
)

// workload is one test: a command line for redis-benchmark, as its built-in test of that name sends it, and the data that
// the command needs. In the command, __rand_int__ becomes 12 random digits below the number of distinct keys.
type workload struct {
	name    string
	command string
	fill    fill
	span    int     // distinct keys or members; 0 for -r
	refill  bool    // a run changes how much data there is: flush and fill before each, outside of what is measured
	consume bool    // each operation takes an element away: fill as many as the run takes, and refill
	weight  float64 // operations relative to SET in equal time, when pipelined
}

// fill is the data before a run: command, followed by each, again and again with a new number. A __rand_int__ inside a
// word is the element's number, one that is a word is random, the same for every server.
type fill struct {
	command string
	each    string
	count   int // elements; 0 for as many as the command's distinct keys
}

// workloads is the list of tests. SET4K overwrites; when it began with nothing, its rounds went from creating to
// overwriting, which differ by the page faults of 400 MB: SET4K_NEW has these in every round.
func workloads() []workload {
	list := fill{command: "RPUSH mylist", each: "xxx"}
	hash := fill{command: "HSET myhash", each: "element:__rand_int__ xxx"}
	set := fill{command: "SADD myset", each: "element:__rand_int__"}
	zset := fill{command: "ZADD myzset", each: "__rand_int__ element:__rand_int__"}
	keys := fill{command: "MSET", each: "key:__rand_int__ xxx"}
	ranged := fill{command: list.command, each: list.each, count: rangeList}
	big := strings.Repeat("x", 4096)
	bigKeys := fill{command: "MSET", each: "key:__rand_int__ " + big}
	return []workload{
		{name: "PING", command: "PING", weight: 1.2},
		{name: "SET", command: "SET key:__rand_int__ xxx", weight: 1},
		{name: "GET", command: "GET key:__rand_int__", fill: keys, weight: 1.1},
		{name: "INCR", command: "INCR counter:__rand_int__", weight: 1},
		{name: "LPUSH", command: "LPUSH mylist xxx", refill: true, weight: 1.2},
		{name: "RPUSH", command: "RPUSH mylist xxx", refill: true, weight: 1.2},
		{name: "LPOP", command: "LPOP mylist", fill: list, consume: true, weight: 1.2},
		{name: "RPOP", command: "RPOP mylist", fill: list, consume: true, weight: 1.2},
		{name: "SADD", command: "SADD myset element:__rand_int__", refill: true, weight: 1},
		{name: "HSET", command: "HSET myhash element:__rand_int__ xxx", refill: true, weight: 1},
		{name: "SPOP", command: "SPOP myset", fill: set, consume: true, weight: 0.8},
		{name: "ZADD", command: "ZADD myzset __rand_int__ element:__rand_int__", refill: true, weight: 0.35},
		{name: "ZPOPMIN", command: "ZPOPMIN myzset", fill: zset, consume: true, weight: 0.7},
		{name: "LRANGE_100", command: "LRANGE mylist 0 99", fill: ranged, weight: 0.12},
		{name: "MSET", command: "MSET" + strings.Repeat(" key:__rand_int__ xxx", 10), weight: 0.2},
		{name: "SET4K", command: "SET key:__rand_int__ " + big, fill: bigKeys, span: bigRange, weight: 0.15},
		{name: "GET4K", command: "GET key:__rand_int__", fill: bigKeys, span: bigRange, weight: 0.15},

		{name: "SADD_1M", command: "SADD myset element:__rand_int__", fill: set, span: million, weight: 0.8},
		{name: "HSET_1M", command: "HSET myhash element:__rand_int__ xxx", fill: hash, span: million, weight: 0.7},
		{name: "ZADD_1M", command: "ZADD myzset __rand_int__ element:__rand_int__", fill: zset, span: million, weight: 0.2},
		{name: "HGET_1M", command: "HGET myhash element:__rand_int__", fill: hash, span: million, weight: 0.8},
		{name: "SISMEMBER_1M", command: "SISMEMBER myset element:__rand_int__", fill: set, span: million, weight: 0.8},
		{name: "ZSCORE_1M", command: "ZSCORE myzset element:__rand_int__", fill: zset, span: million, weight: 0.7},
		{name: "ZRANK_1M", command: "ZRANK myzset element:__rand_int__", fill: zset, span: million, weight: 0.3},

		{name: "SET32", command: "SET key:__rand_int__ " + strings.Repeat("x", 32), weight: 1},
		{name: "SET4K_NEW", command: "SET key:__rand_int__ " + big, span: bigRange, refill: true, weight: 0.15},
		{name: "GETMISS", command: "GET key:__rand_int__", weight: 1.1},
		{name: "EXPIRE", command: "EXPIRE key:__rand_int__ 3600", fill: keys, weight: 0.8},
		{name: "HGET", command: "HGET myhash element:__rand_int__", fill: hash, weight: 1},
		{name: "ZRANGE", command: "ZRANGE myzset 100 199", fill: zset, weight: 0.15},
		{name: "ZRANK", command: "ZRANK myzset element:__rand_int__", fill: zset, weight: 0.4},
		{name: "XADD", command: "XADD mystream * field value", refill: true, weight: 0.8},
	}
}

const (
	defaultTests = "SET GET INCR LPUSH RPUSH LPOP RPOP SADD HSET SPOP ZADD ZPOPMIN LRANGE_100 MSET SET4K GET4K " +
		"SADD_1M HSET_1M ZADD_1M HGET_1M SISMEMBER_1M ZSCORE_1M ZRANK_1M"
	quickTests = "SET GET LPUSH HSET ZADD"
)

func workloadNames() []string {
	var names []string
	for _, w := range workloads() {
		names = append(names, w.name)
	}
	return names
}

func workloadNamed(name string) (workload, error) {
	all := workloads()
	i := slices.IndexFunc(all, func(w workload) bool { return strings.EqualFold(w.name, name) })
	if i < 0 {
		return workload{}, fmt.Errorf("%w: no test %s, there are %v", errUsage, name, workloadNames())
	}
	return all[i], nil
}

// operations is how many requests last about the wanted time for a server as fast as Redis on the reference machine.
func (w workload) operations(pipeline int, seconds float64) int {
	perSecond := 90_000.0
	switch {
	case pipeline >= 48:
		perSecond = 1_400_000
	case pipeline >= 8:
		perSecond = 800_000
	case pipeline > 1:
		perSecond = 250_000
	}
	if pipeline == 1 {
		return max(int(perSecond*seconds*max(w.weight, 0.5)), 1000) // the network's cost dominates
	}
	return max(int(perSecond*seconds*w.weight), 1000)
}

// sized fixes what depends on the run: how many distinct keys there are and how much is filled. What is consumed must
// last for the run and for what redis-benchmark sends too much, up to one pipeline per connection.
func (w workload) sized(o options, pipeline, ops int) workload {
	if w.span == 0 {
		w.span = o.keyspace
	}
	switch {
	case w.fill.each == "":
		w.fill.count = 0
	case w.consume:
		w.fill.count = ops + o.clients*pipeline + 1
	case w.fill.count == 0:
		w.fill.count = w.span
	}
	return w
}

// commands returns how many commands the fill takes and a function that returns each. They carry many elements, few
// large ones.
func (fl fill) commands(span int) (n int, command func(i int) []string) {
	per := max(1, min(elementsPerCommand, bytesPerCommand/(len(fl.each)+1)))
	head, each := strings.Fields(fl.command), strings.Fields(fl.each)
	random := rand.New(rand.NewPCG(1, 2))
	return (fl.count + per - 1) / per, func(i int) []string {
		args := slices.Clone(head)
		for element := i * per; element < min((i+1)*per, fl.count); element++ {
			for _, word := range each {
				args = append(args, expand(word, element, span, random))
			}
		}
		return args
	}
}

// one is a command of a workload as it is sent once, with the number 0.
func one(command string) []string {
	return strings.Fields(strings.ReplaceAll(command, randWord, padded("", 0)))
}

func expand(word string, element, span int, random *rand.Rand) string {
	if word == randWord {
		return strconv.Itoa(random.IntN(span))
	}
	prefix, rest, numbered := strings.Cut(word, randWord)
	if !numbered {
		return word
	}
	return padded(prefix, element) + rest
}
