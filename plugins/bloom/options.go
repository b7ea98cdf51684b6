package main

import (
	"strings"

	"datastore/plugin"
)

// options are what a new filter is made with.
type options struct {
	errorRate  float64
	capacity   uint64
	expansion  uint32
	expands    bool // EXPANSION was given
	nonScaling bool
	noCreate   bool
}

func defaults() options {
	return options{errorRate: defaultErrorRate, capacity: defaultCapacity, expansion: defaultExpansion}
}

// Error replies for options, in RedisBloom's words.
const (
	errRate         = plugin.ReplyError("ERR bad error rate")
	errRateRange    = plugin.ReplyError("ERR (0 < error rate range < 1)")
	errCapacity     = plugin.ReplyError("ERR bad capacity")
	errCapacityZero = plugin.ReplyError("ERR (capacity should be larger than 0)")
	errExpansion    = plugin.ReplyError("ERR bad expansion")
	errNoExpansion  = plugin.ReplyError("ERR Nonscaling filters cannot expand")
	errUnknown      = plugin.ReplyError("ERR unknown argument received")
)

// rate reads an error rate.
func (o *options) rate(s plugin.String) error {
	r, err := s.Float64()
	switch {
	case err != nil:
		return errRate
	case !isRate(r):
		return errRateRange
	}
	o.errorRate = r
	return nil
}

// size reads a capacity.
func (o *options) size(s plugin.String) error {
	n, err := s.Int64()
	switch {
	case err != nil:
		return errCapacity
	case n <= 0:
		return errCapacityZero
	}
	o.capacity = uint64(n)
	return nil
}

// parse reads the options from args on, up to the word ITEMS or the end, and returns how many arguments they are. BF.RESERVE
// has fewer of them than BF.INSERT.
func (o *options) parse(args []plugin.String, insert bool) (n int, err error) {
	for ; n < len(args); n++ {
		word := strings.ToUpper(args[n].String())
		switch {
		case word == "NONSCALING":
			o.nonScaling = true
			continue
		case insert && word == "NOCREATE":
			o.noCreate = true
			continue
		case insert && word == "ITEMS":
			return n, o.check()
		case n+1 == len(args):
			return n, errUnknown
		}
		n++
		switch {
		case word == "EXPANSION":
			err = o.expand(args[n])
		case insert && word == "CAPACITY":
			err = o.size(args[n])
		case insert && word == "ERROR":
			err = o.rate(args[n])
		default:
			err = errUnknown
		}
		if err != nil {
			return n, err
		}
	}
	return n, o.check()
}

func (o *options) expand(s plugin.String) error {
	n, err := s.Int64()
	if err != nil || n < 0 || n > maxExpand {
		return errExpansion
	}
	o.expands = n > 0
	o.nonScaling = o.nonScaling || n == 0 // as with RedisBloom
	o.expansion = uint32(max(n, 1))
	return nil
}

func (o *options) check() error {
	if o.nonScaling && o.expands {
		return errNoExpansion
	}
	return nil
}

// make makes the filter.
func (o *options) make() (*filter, error) {
	f, err := newFilter(o.errorRate, o.capacity, o.expansion, o.nonScaling)
	if err != nil {
		return nil, plugin.ReplyError("ERR " + err.Error())
	}
	return f, nil
}
